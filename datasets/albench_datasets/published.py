"""The data sets that papers use, through torchvision's classes of them: what each is, and where it is looked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from albench import Count
from albench_datasets.sources import cifar100
from albench_datasets.sources.parquet import Columns
from albench_datasets.sources.published import Published, Source

_TRAIN, _TEST = {"split": "train"}, {"split": "test"}
_DIGITS = tuple("0123456789")
_RAW = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@dataclass(frozen=True)
class Cifar100(Published):
    """60,000 colour images of 32 x 32 pixels, 100 classes (Krizhevsky 2009; free for research, no formal licence).

    500 training and 100 test images a class. Looked for in --data / $ALBENCH_DATA: torchvision's folder
    `cifar-100-python`, else Parquet files in the layout of Hugging Face (columns `img` and `fine_label`), there or in a
    folder `cifar100`; else downloaded through torchvision.
    """

    results_version: ClassVar[int] = 1
    source: ClassVar[Source] = Source(
        title="CIFAR-100",
        dataset="CIFAR100",
        files=tuple(f"{cifar100.FOLDER}/{name}" for name in ("train", "test", "meta")),
        axes="NHWC",
        folders=("", "cifar100"),
        columns=Columns("img", "fine_label"),
        read=cifar100.from_torchvision,
    )


@dataclass(frozen=True)
class TenClasses(Published):
    """A data set of ten classes, half of which are known at first."""

    known: Count = 5
    novel: Annotated[int, Ge(0)] = 5
    pool_per_class: Count = 200
    test_per_class: Count = 200


@dataclass(frozen=True)
class Cifar10(TenClasses):
    """60,000 colour images of 32 x 32 pixels, 10 classes (Krizhevsky 2009; free for research, no formal licence).

    5,000 training and 1,000 test images a class. Looked for in --data / $ALBENCH_DATA: torchvision's folder
    `cifar-10-batches-py`, else Parquet files in the layout of Hugging Face (columns `img` and `label`) in a folder
    `cifar10`; else downloaded through torchvision.
    """

    results_version: ClassVar[int] = 1
    source: ClassVar[Source] = Source(
        title="CIFAR-10",
        dataset="CIFAR10",
        files=tuple(
            f"cifar-10-batches-py/{name}"
            for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")
        ),
        axes="NHWC",
        folders=("cifar10",),
        columns=Columns("img", "label"),
        class_names=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    )


@dataclass(frozen=True)
class Svhn(TenClasses):
    """99,289 colour images of house numbers, 32 x 32 pixels, 10 digits (Netzer et al. 2011; for non-commercial use).

    73,257 training and 26,032 test images, between 4,659 and 13,861 training images a class; the 531,131 further ones
    are left aside. Looked for in --data / $ALBENCH_DATA: torchvision's files `train_32x32.mat` and `test_32x32.mat`,
    else Parquet files in the layout of Hugging Face (`image` and `label`) in a folder `svhn`; else downloaded through
    torchvision.
    """

    results_version: ClassVar[int] = 1
    source: ClassVar[Source] = Source(
        title="SVHN",
        dataset="SVHN",
        files=("train_32x32.mat", "test_32x32.mat"),
        axes="NCHW",
        folders=("svhn", "svhn/cropped_digits"),
        train=_TRAIN,
        test=_TEST,
        class_names=_DIGITS,
    )


@dataclass(frozen=True)
class Mnist(TenClasses):
    """70,000 handwritten digits of 28 x 28 grey pixels, 10 classes (LeCun et al. 1998; CC BY-SA 3.0).

    60,000 training and 10,000 test images, about 6,000 and 1,000 a class. Looked for in --data / $ALBENCH_DATA:
    torchvision's folder `MNIST/raw`, else Parquet files in the layout of Hugging Face (`image` and `label`) in a folder
    `mnist`; else downloaded through torchvision.
    """

    results_version: ClassVar[int] = 1
    source: ClassVar[Source] = Source(
        title="MNIST",
        dataset="MNIST",
        files=tuple(f"MNIST/raw/{name}" for name in _RAW),
        axes="NHW",
        folders=("mnist", "mnist/mnist"),
        class_names=_DIGITS,
    )


@dataclass(frozen=True)
class FashionMnist(TenClasses):
    """70,000 pictures of clothes, 28 x 28 grey pixels, 10 classes (Xiao, Rasul, Vollgraf 2017; MIT licence).

    6,000 training and 1,000 test images a class. Looked for in --data / $ALBENCH_DATA: torchvision's folder
    `FashionMNIST/raw` (Debian's package dataset-fashion-mnist has its four files; unpack them with gunzip), else
    Parquet files in the layout of Hugging Face (`image` and `label`) in a folder `fashion_mnist`; else downloaded
    through torchvision.
    """

    results_version: ClassVar[int] = 1
    source: ClassVar[Source] = Source(
        title="Fashion-MNIST",
        dataset="FashionMNIST",
        files=tuple(f"FashionMNIST/raw/{name}" for name in _RAW),
        axes="NHW",
        folders=("fashion_mnist", "fashion_mnist/fashion_mnist"),
        class_names=(
            "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
        ),
    )  # fmt: skip


@dataclass(frozen=True)
class Stl10(TenClasses):
    """13,000 colour images of 96 x 96 pixels, 10 classes (Coates, Lee, Ng 2011; images of ImageNet, under its terms).

    500 training and 800 test images a class; the 100,000 unlabelled ones are left aside. Looked for in --data /
    $ALBENCH_DATA: torchvision's folder `stl10_binary`, else Parquet files in the layout of Hugging Face (`image` and
    `label`) in a folder `stl10`; else downloaded through torchvision.
    """

    results_version: ClassVar[int] = 1
    source: ClassVar[Source] = Source(
        title="STL-10",
        dataset="STL10",
        files=tuple(f"stl10_binary/{name}.bin" for name in ("train_X", "train_y", "test_X", "test_y")),
        axes="NCHW",
        folders=("stl10",),
        train=_TRAIN,
        test=_TEST,
        class_names=("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck"),
    )
