"""Data that people have or were sent: features, tables, pictures, CIFAR's pickles, decoded copies, tensors of torch."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow
import torch
from PIL import Image
from pyarrow import parquet

from albench.errors import DataError
from albench.extraction.blocks import Blocks
from albench.extraction.extract import _about
from albench.networks.torchvision_classifier import _read as read_tensors
from albench_datasets.features import _Rows
from albench_datasets.sources import decoded
from albench_datasets.sources.arrays import Arrays
from albench_datasets.sources.cifar100 import FOLDER, _unpickled, from_torchvision
from albench_datasets.sources.parquet import Columns, files_in, from_parquet, rows_of
from albench_datasets.sources.pictures import FORMATS, Look, UnusableError, pixels
from tests.fuzz.mutation import mutated, mutated_json
from tests.fuzz.stored import packed
from tests.fuzz.target import Target, folder, reading

LOOKS = (Look(8, "crop", 3, 1), Look(8, "pad", 1, 1), Look(8, "stretch", 3, 1), Look())


def npy(array: Any) -> bytes:
    """Return an array as numpy saves it."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def npy_that_claims(shape: str, descr: str = "'<f4'", content: bytes = b"\0" * 64) -> bytes:
    """Return a file of numpy whose header says so."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header + content


def _arrays() -> dict[str, bytes]:
    return {
        "features.npy": npy(np.arange(12, dtype=np.float32).reshape(6, 2)),
        "labels.npy": npy(np.array([0, 1, 0, 1, -1, 0])),
        "class_names.npy": npy(np.array(["a", "b"])),
        "is_test.npy": npy(np.array([True, False, False, True, False, False])),
        "paths.npy": npy(np.array(["a.png", "b.png", "c", "d", "e", "f"])),
        "source.npy": npy(np.array(json.dumps({"network": {"label": "x"}, "data": {"scenario": "y"}}))),
    }


ODD_ARRAYS = (
    npy_that_claims("(1000000000000,)"),
    npy_that_claims("(1000000000, 1000)", "'|u1'"),
    npy_that_claims("(4294967296, 4294967296)"),
    npy_that_claims("(-1, 2)"),
    npy_that_claims("(2, 2)", "'|O'", pickle.dumps([1, 2, 3, 4])),
    npy_that_claims("(2,)", "'<U1000000000'"),
    npy_that_claims("(" * 60 + ")" * 60),
    npy_that_claims("(0, 1000000000000)"),
    npy(np.array([{}, None], dtype=object)),
    npy(np.array([1 + 2j] * 6)),
    npy(np.zeros(6, dtype="M8[s]")),
    npy(np.zeros((6, 2), dtype=[("a", "f4")])),
    npy(np.array([float("nan")] * 12).reshape(6, 2)),
)


def _rows(path: Path) -> object:
    rows = _Rows(Arrays(path))
    return rows.labeled(), rows.labeled(for_training=True)


@cache
def _folder_of_arrays() -> Path:
    root = folder() / "arrays"
    root.mkdir()
    return root


def _read_folder(data: bytes) -> object:
    """Read a folder of arrays; the first byte says which of them is the input, and the others are whole."""
    whole = _arrays()
    name = list(whole)[data[0] % len(whole)] if data else "labels.npy"
    for other, content in {**whole, name: data[1:]}.items():
        (_folder_of_arrays() / other).write_bytes(content)
    return _rows(_folder_of_arrays())


def _folders() -> Sequence[bytes]:
    whole = list(_arrays().values())
    odd = [bytes([place]) + data for data in ODD_ARRAYS for place in range(len(whole))]
    return [bytes([place]) + data for place, data in enumerate(whole)] + odd


@cache
def _npz_files() -> Sequence[bytes]:
    whole = _arrays()
    odd = [
        packed(list({**whole, name: data}.items())) for data in ODD_ARRAYS for name in ("features.npy", "labels.npy")
    ]
    zeros = npy_that_claims("(10000000, 2)", content=b"\0" * 80_000_000)
    return [packed(list(whole.items())), packed([*whole.items(), ("features.npy", zeros)]), *odd]


def mutated_npz(data: bytes, draws: Random) -> bytes:
    """Return a zip file of arrays of which one is other, or whose bytes are."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as zipped:
            infos = [info for info in zipped.infolist() if info.file_size < 2**16]
            members = [(info.filename, zipped.read(info)) for info in infos]
        place = draws.randrange(len(members))
    except Exception:  # noqa: BLE001 - what was changed before need not be a zip file
        return mutated(data, draws)
    if draws.random() < 0.3:
        return mutated(data, draws) if len(data) < 2**16 else packed(members)
    members[place] = (members[place][0], mutated(members[place][1], draws))
    return packed(members, draws.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))


def picture(kind: str, mode: str = "RGB", side: int = 6) -> bytes:
    """Return a small picture as a file of a kind."""
    pixel = np.arange(side * side * 3, dtype=np.uint8).reshape(side, side, 3)
    file = io.BytesIO()
    Image.fromarray(pixel).convert(mode).save(file, kind)
    return file.getvalue()


def _pictures() -> Sequence[bytes]:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    def png(width: int, height: int, more: bytes = b"") -> bytes:
        head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        data = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        return b"\x89PNG\r\n\x1a\n" + head + more + data + chunk(b"IEND", b"")

    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * (80 * 2**20)))
    plain = [picture(kind) for kind in FORMATS] + [picture("PNG", mode) for mode in ("L", "RGBA", "P", "1", "LA")]
    return [*plain, png(2**31 - 1, 2**31 - 1), png(9_000, 9_000), png(8, 8, text), png(0, 0), b"P6 99999 99999 255\n"]


def _read_picture(data: bytes) -> object:
    """Look at a picture; the last byte says how."""
    try:
        return pixels(data, LOOKS[data[-1] % len(LOOKS)] if data else LOOKS[0])
    except UnusableError as error:
        raise DataError(str(error)) from None


def parquet_file(labels: Any = (0, 1, 0), names: Sequence[str] = ("a", "b"), about: str = "", **options: Any) -> bytes:
    """Return a Parquet file as Hugging Face lays it out."""
    cells = [{"bytes": picture("PNG"), "path": None} for _ in labels]
    table = pyarrow.table({"image": cells, "label": labels})
    info = {"info": {"features": {"label": {"names": list(names)}}}}
    file = io.BytesIO()
    parquet.write_table(table.replace_schema_metadata({"huggingface": about or json.dumps(info)}), file, **options)
    return file.getvalue()


def _tables() -> Sequence[bytes]:
    return [
        parquet_file(),
        parquet_file(compression="none", use_dictionary=False),
        parquet_file(["x", "y", "x"], compression="gzip"),
        parquet_file([-1, 10**12, 0]),
        parquet_file([None, 1, 0]),
        parquet_file([0, 1, 0], ["a"]),
        parquet_file([0.5, 1.0, 2.0]),
    ]


def _read_table(path: Path) -> object:
    columns = Columns("image", "label")
    pictures, _, _ = rows_of(files_in(path.parent), columns)
    for one in pictures:
        with suppress(DataError):
            _read_picture(one.source if isinstance(one.source, bytes) else b"")
    return from_parquet(files_in(path.parent), columns, 3)


def _cifar() -> Sequence[bytes]:
    content = {"data": np.zeros((2, 3072), dtype=np.uint8), "fine_labels": [0, 1]}
    grown = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n(K\x80\x85c_codecs\nencode\nX\x01\0\0\0bX\x06\0\0\0latin1\x86R\x87R."
    return [
        *(pickle.dumps(content, protocol=protocol) for protocol in range(6)),
        pickle.dumps({"fine_label_names": ["a", "b"]}, protocol=2),
        grown,
        b"cos\nsystem\n(S'true'\ntR.",
        b"\x80\x02" + b"]" * 100 + b".",
        b"\x80\x04\x95" + b"\xff" * 8,
        b"\x80\x02r\xff\xff\xff\x7f.",  # puts into a place of its memory far beyond the others
        b"\x80\x02(c_codecs\nencode\nX\x01\0\0\0aX\x08\0\0\0zlib_decX\0\0\0\0tR.",
    ]


CIFAR_PARTS = ("train", "test", "meta")


def _cifar_part(part: str, **others: Any) -> bytes:
    content = {"data": np.zeros((2, 3072), dtype=np.uint8), "fine_labels": [0, 1]}
    names = {"fine_label_names": ["a", "b"]}
    return pickle.dumps({**(names if part == "meta" else content), **others}, protocol=2)


def _read_cifar(data: bytes) -> object:
    """Read CIFAR-100; the first byte says which of its files is the input, and the others are whole."""
    root = folder() / "cifar" / FOLDER
    root.mkdir(parents=True, exist_ok=True)
    changed = CIFAR_PARTS[data[0] % len(CIFAR_PARTS)] if data else "meta"
    for part in CIFAR_PARTS:
        (root / part).write_bytes(data[1:] if part == changed else _cifar_part(part))
    return from_torchvision(root.parent)


def _cifars() -> Sequence[bytes]:
    odd: list[dict[str, Any]] = [
        {"fine_labels": [0, 10**12]},
        {"fine_labels": [-1, 0]},
        {"fine_labels": [0.5, None]},
        {"fine_labels": [[0, 1]]},
        {"fine_labels": 2},
        {"fine_labels": ["a", "b"]},
        {"fine_labels": []},
        {"data": np.zeros((2, 3072))},
        {"data": np.zeros(3)},
        {"data": np.zeros((0, 3072), dtype=np.uint8), "fine_labels": []},
        {"data": 5},
        {"data": [[None] * 3072] * 2},
        {"fine_label_names": 5},
        {"fine_label_names": [5, None]},
        {"fine_label_names": []},
    ]
    whole = [bytes([place]) + _cifar_part(part) for place, part in enumerate(CIFAR_PARTS)]
    return whole + [bytes([place]) + _cifar_part(part, **one) for one in odd for place, part in enumerate(CIFAR_PARTS)]


def _tensors() -> Sequence[bytes]:
    file, old = io.BytesIO(), io.BytesIO()
    torch.save({"head.weight": torch.zeros(2, 3)}, file)
    torch.save({"head.weight": torch.zeros(2, 3)}, old, _use_new_zipfile_serialization=False)
    return [file.getvalue(), old.getvalue(), pickle.dumps({"a": 1}), b"cos\nsystem\n(S'true'\ntR."]


def _copies() -> Sequence[bytes]:
    meta = {"copy": "copy", "class_names": ["a", "b"], "fingerprint": "f", "files": None, "notes": [], "crc32": {}}
    return [json.dumps(meta).encode(), json.dumps({**meta, "crc32": {"../x": 0}}).encode()]


def _read_copy(data: bytes) -> object:
    """Read a decoded copy whose description has a checksum that holds; another is decoded anew."""
    root = folder() / "copy"
    if not root.is_dir():
        root.mkdir()
        (root / "images.npy").write_bytes(npy(np.zeros((2, 3, 8, 8), dtype=np.uint8)))
        (root / "labels.npy").write_bytes(npy(np.array([0, 1])))
    try:
        meta = json.loads(data)
        stored = {"meta": meta, "crc32": decoded._checksum_of(meta)}
        (root / "meta.json").write_text(json.dumps(stored), encoding="utf-8")
        return decoded._read(root)
    except decoded.UNREADABLE:
        return None


def _read_features(path: Path) -> object:
    """Read a file of features as `albench features` looks at one that is there, and as a block of one."""
    blocks = Blocks(folder() / "x.npz", {}, 6, 6)
    blocks.folder.mkdir(exist_ok=True)
    (blocks.folder / "rows-000000000.npz").write_bytes(path.read_bytes())
    return _about(path), blocks.read(0)


TARGETS = {
    "features in a file": Target(reading("features.npz", _rows), _npz_files, mutated_npz),
    "features in a folder": Target(_read_folder, _folders),
    "features begun": Target(reading("begun.npz", _read_features), _npz_files, mutated_npz),
    "Parquet": Target(reading("tables/train-0.parquet", _read_table), _tables),
    "picture": Target(_read_picture, _pictures),
    "CIFAR's pickle": Target(reading("train", _unpickled), _cifar),
    "CIFAR-100": Target(_read_cifar, _cifars),
    "state dict": Target(reading("weights.pt", lambda path: read_tensors(str(path))), _tensors),
    "decoded copy": Target(_read_copy, _copies, mutated_json),
}
