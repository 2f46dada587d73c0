"""How a round asks: the paper's discovery, and the usual top k."""
