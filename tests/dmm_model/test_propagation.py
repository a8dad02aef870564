import math

import torch
from torch import nn

from dmm_model.propagation import LEVELS, Carried, propagate, warp


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def still_grid(height, width):
    """Each pixel's own centre: (2i + 1) / N − 1, x before y."""
    y, x = ((2 * torch.arange(n, dtype=torch.float64) + 1) / n - 1 for n in (height, width))
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)


def naive_warp(source, grid):
    """Bilinear samples of (C, H, W) one by one, zero outside; −1 and 1 are the outer edges of pixels."""
    _, height, width = source.shape
    found = torch.zeros_like(source)
    for i in range(height):
        for j in range(width):
            x, y = (float(grid[i, j, axis] + 1) * n / 2 - 0.5 for axis, n in enumerate((width, height)))
            for row in (math.floor(y), math.floor(y) + 1):
                for column in (math.floor(x), math.floor(x) + 1):
                    if 0 <= row < height and 0 <= column < width:
                        share = (1 - abs(y - row)) * (1 - abs(x - column))
                        found[:, i, j] += share * source[:, row, column]
    return found


def test_warps_against_loops():
    source = drawn(2, 3, 4, 6)
    grids = still_grid(4, 6) + 0.4 * drawn(2, 3, 4, 6, 2, seed=1)
    found = warp(source, grids)
    assert found.shape == (2, 3, 3, 4, 6)
    for sample in range(2):
        for frame in range(3):
            expected = naive_warp(source[sample], grids[sample, frame])
            torch.testing.assert_close(found[sample, frame], expected, rtol=1e-12, atol=1e-12)


def test_a_still_grid_gives_the_source():
    source = drawn(1, 3, 4, 6)
    torch.testing.assert_close(warp(source, still_grid(4, 6)[None, None])[:, 0], source)


def test_no_surface_is_mid_grey():
    source = drawn(1, 3, 4, 6) + 5
    grids = still_grid(4, 6).repeat(1, 1, 1, 1, 1)
    grids[0, 0, 1:3, 2] = -2
    found = warp(source, grids)[0, 0]
    assert (found[:, 1:3, 2] == 0).all()
    assert (found != 0).sum() == found.numel() - 3 * 2


def test_the_outer_edge_is_half_outside():
    found = warp(torch.full((1, 3, 4, 6), 8.0), torch.tensor([-1.0, 0.0]).expand(1, 1, 4, 6, 2))
    torch.testing.assert_close(found, torch.full((1, 1, 3, 4, 6), 4.0))


class Recorder(nn.Module):
    """Half the state plus the map; keeps what it is given."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, both):
        self.seen.append(both)
        encoded, state = both.chunk(2, 1)
        return encoded + state / 2


def test_each_state_comes_from_its_map_and_the_state_before():
    block = Recorder()
    maps = [torch.full((1, 2, 1, 1), value) for value in (8.0, 16.0, 32.0)]
    states = propagate(block, maps, torch.full((1, 2, 1, 1), 4.0))
    # 8 + 4/2, 16 + 10/2, 32 + 21/2
    assert [float(state[0, 0, 0, 0]) for state in states] == [10, 21, 42.5]
    assert block.seen[0].flatten().tolist() == [8, 8, 4, 4]  # the map's channels first
    assert propagate(block, [], maps[0]) == []


def test_gradients_flow_along_the_frames():
    first = torch.ones(1, 2, 1, 1, requires_grad=True)
    propagate(Recorder(), [torch.zeros(1, 2, 1, 1)] * 3, first)[-1].sum().backward()
    assert first.grad.flatten().tolist() == [1 / 8, 1 / 8]


def test_what_is_carried_can_be_cut_off():
    leaf = torch.ones(1, requires_grad=True)
    carried = Carried(leaf * 2, leaf * 3, tuple(leaf * factor for factor in (4, 5)))
    cut = carried.detach()
    tensors = [cut.image, cut.feature, *cut.forward]
    assert [float(tensor) for tensor in tensors] == [2, 3, 4, 5]
    assert not any(tensor.requires_grad for tensor in tensors)
    assert carried.image.requires_grad


def test_levels_are_a_quarter_and_a_half_of_the_published_size():
    assert [256 // int(level) for level in LEVELS] == [4, 2]
