from small_shop import encoder, index, parts

__all__ = ["encoder", "index", "parts"]
