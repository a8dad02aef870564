import pytest

from vptbench.errors import RegistryError
from vptbench.leaderboard.rules import listed, networks_to_text, weights_to_sentence


def test_networks_as_text_do_not_depend_on_their_order():
    networks = {"b": {"mode": "pinned", "sha256": "1"}, "a": {"mode": "random", "sha256": "2"}}
    assert networks_to_text(networks) == "a=random:2 b=pinned:1"
    assert networks_to_text({}) == ""


def test_weights_in_words():
    assert weights_to_sentence(["ssim-v1", "l1-v1"]) == "No figure here needs a network."
    assert weights_to_sentence(["ssim-v1", "lpips-v1@random", "fid-v1@random", "fvd-v1@random"]) == (
        "LPIPS, FID and FVD come from networks with random weights: such figures compare the rows of one "
        "table and nothing else."
    )
    assert weights_to_sentence(["fid-v1@random"]).startswith("FID comes from a network with random weights")
    assert weights_to_sentence(["lpips-v1", "fid-v1"]) == (
        "LPIPS by alexnet and FID by inception-fid are measured with published weights, pinned by SHA-256."
    )
    with pytest.raises(RegistryError, match="expected a known metric, got 'x-v1'"):
        weights_to_sentence(["x-v1"])


def test_lists_in_words():
    assert [listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
