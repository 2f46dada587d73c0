"""torchvision's classifiers, with the user's weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Gt

from albench.contracts.component import InputPath
from albench.contracts.network import Network, Preparation
from albench.contracts.scenario import Inputs
from albench.errors import RequestError, SettingError, did_you_mean, reason
from albench.networks.normalised import draw_weights, refuse_features

if TYPE_CHECKING:
    from torch import Tensor, nn

MEAN = (0.485, 0.456, 0.406)  # of ImageNet's channels on the scale 0..1, as torchvision's weights expect them
LONGEST = 200  # characters of what a damaged file says of itself
STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class TorchvisionClassifier(Network):
    """A classifier of torchvision with a new head for the scenario's classes, as `torchvision[name=resnet50]`.

    `weights` is a file of yours that holds a state dict (`torch.save(model.state_dict(), FILE)`); nothing is
    downloaded and no code in it is run. Its head is left out, whatever its name and number of classes. Without a
    file convolutions start as He et al. (2015) draw them, and other layers as torchvision has them. Images are seen
    as torchvision's weights expect them: three channels, over 255, minus ImageNet's mean and over its standard
    deviation, resized to `side` pixels where that is given. A cell's key holds the SHA-256 of the file, not its path.
    """

    results_version: ClassVar[int] = 1

    name: str = "mobilenet_v2"  # as torchvision.models lists it
    weights: InputPath | None = None  # a file of a state dict
    side: Annotated[int, Ge(0)] = 0  # pixels to which images are resized; 0: as they come
    head_std: Annotated[float, Gt(0)] = 0.01
    bias_rate: Annotated[float, Ge(0)] = 1.0

    def check_input(self, shape: tuple[int, ...]) -> None:
        """Refuse what is no image, a name that torchvision does not list, and a file that is not there."""
        from torchvision.models import list_models

        refuse_features(shape)
        if shape[0] not in (1, 3):
            raise RequestError(f"it takes images of 1 or 3 channels, and the scenario's have {shape[0]}")
        known = [name for name in list_models() if "." not in name and "/" not in name]
        if self.name not in known:
            raise RequestError(f"torchvision lists no model {self.name!r}{did_you_mean(self.name, known)}")
        if self.weights and not Path(self.weights).is_file():
            raise RequestError(f"the weights {self.weights} are not there; give the path of a file")

    def preparation(self, initial: Inputs) -> Preparation:  # noqa: ARG002
        """Return what scales images as torchvision's weights expect them."""
        import torch
        from torch.nn import functional as F

        mean, std = torch.tensor(MEAN)[:, None, None], torch.tensor(STD)[:, None, None]

        def prepare(inputs: Inputs) -> Tensor:
            images = torch.from_numpy(np.ascontiguousarray(inputs)).float() / 255
            if self.side:
                images = F.interpolate(images, size=(self.side, self.side), mode="bilinear", antialias=True)
            return (images - mean) / std  # a single channel becomes three

        return prepare

    def build(self, image_shape: tuple[int, ...], n_classes: int, draws: np.random.Generator) -> nn.Module:  # noqa: ARG002
        """Return the classifier without its last linear layer, and the new head."""
        import torch
        from torch import nn
        from torchvision.models import get_model

        from albench.networks.headed import Headed

        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(int(draws.integers(2**63)))
            body = get_model(self.name, weights=None)
            place, last = self._last(body)
            head = nn.Linear(last.in_features, n_classes)
        draw_weights(body, head, self.head_std, draws)
        if self.weights:
            self._load(body, place, _read(self.weights))
        body.set_submodule(place, nn.Identity())
        return Headed(body, head)

    def _last(self, body: nn.Module) -> tuple[str, nn.Linear]:
        """Return the name of the last layer with weights, and it, which must be linear."""
        from torch import nn

        place, last = [(name, each) for name, each in body.named_modules() if [*each.parameters(recurse=False)]][-1]
        if not isinstance(last, nn.Linear):
            raise SettingError(
                f"torchvision's {self.name} ends in a {type(last).__name__}, and strategies need a linear head; choose "
                "a model that ends in a linear layer, such as resnet18"
            )
        return place, last

    def _load(self, body: nn.Module, place: str, found: dict[str, Tensor]) -> None:
        """Take over the weights of the file, apart from its head's; SettingError."""
        expected = body.state_dict()
        head = {f"{place}.weight", f"{place}.bias"}
        missing = sorted({*expected} - {*found} - head)
        other = {*found} - {*expected}
        if (
            not head & {*found}
            and {name.rpartition(".")[2] for name in other} == {"weight", "bias"}
            and len(other) == 2
        ):
            other = set()  # a head of another name
        shapes = [n for n in sorted({*expected} & {*found} - head) if found[n].shape != expected[n].shape]
        wrong = missing or sorted(other) or shapes
        if wrong:
            what = "lacks" if missing else "has another" if shapes and not other else "holds, and the model has not,"
            raise SettingError(
                f"the weights {self.weights} are not of torchvision's {self.name}: the file {what} {wrong[0]!r} "
                f"({len(wrong)} such in all); give the name of their architecture"
            )
        body.load_state_dict(
            {name: found.get(name, own) if name not in head else own for name, own in expected.items()}
        )


def _read(path: str) -> dict[str, Tensor]:
    """Return the tensors of a file by name; SettingError for one that is damaged or holds more than tensors."""
    import torch

    try:
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - whatever torch raises of what people have
        why = reason(error).partition(". ")[0][:LONGEST]  # torch goes on for a page
        raise SettingError(
            f"the weights {path} cannot be read as tensors alone ({why}); write them with "
            "torch.save(model.state_dict(), FILE)"
        ) from None
    if not isinstance(found, dict) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise SettingError(
            f"the weights {path} hold no state dict, names to tensors; write them with "
            "torch.save(model.state_dict(), FILE)"
        )
    return found
