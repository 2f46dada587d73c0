"""What authors of strategies do, written anew as short loops from their papers and from how their programs work.

Each takes a query and k and returns k pool indices. They keep what costs time there: the libraries (scikit-learn's
k-means and distances, NumPy), the order of the steps, what is computed again at each pick. Where a program uses a GPU
or FAISS, the same step is taken on the processor by NumPy, PyTorch or scikit-learn.
"""
