"""Trains a small network on the MNIST digits, on a CPU, in less than a minute."""

# Needs torch
import runpy
import pathlib

import tenrow
import tenrow.torch
import torch
from torch import nn
from torch.utils.data import DataLoader

if not pathlib.Path("digits").exists():
    runpy.run_path(str(pathlib.Path(__file__).with_name("mnist.py")))

torch.manual_seed(1)
digits = tenrow.open("digits")
split = torch.randperm(len(digits)).numpy()
train = digits.create_view("train", split[:8500], replace=True)
test = digits.create_view("test", split[8500:], replace=True)


def batches(view: tenrow.View, shuffle: bool) -> DataLoader:
    dataset = tenrow.torch.Dataset(view, batched=True)
    return DataLoader(dataset, batch_size=64, shuffle=shuffle, collate_fn=tenrow.torch.collate)


def pixels(batch: dict) -> torch.Tensor:
    return batch["image"].unsqueeze(1).float() / 255


network = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(32 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, 10),
)  # fmt: skip
EPOCHS = 8
optimizer = torch.optim.Adam(network.parameters())
steps = EPOCHS * len(batches(train, shuffle=True))
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
for epoch in range(EPOCHS):
    for batch in batches(train, shuffle=True):
        loss = nn.functional.cross_entropy(network(pixels(batch)), batch["label"].long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        right = sum(
            (network(pixels(batch)).argmax(1) == batch["label"]).sum().item() for batch in batches(test, shuffle=False)
        )
    print(f"epoch {epoch + 1}: {right / len(test):.1%} of {len(test):,} digits it has not seen")
assert right / len(test) > 0.97
