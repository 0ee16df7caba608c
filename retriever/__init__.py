"""Documents in, passages out: readers, sentence-aware chunks, and an index of FAISS and BM25 on disk.

Knows nothing of how an answer is made from a passage, nor of HTTP.
"""
