"""What surrounds every route: the edge, connections, errors as problems, negotiation, keys of repeated requests."""
