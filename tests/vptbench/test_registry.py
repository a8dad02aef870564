import math

import pytest

from vptbench.errors import ModelError, RegistryError
from vptbench.registry import (
    check_callables,
    check_id,
    check_known,
    group_to_table,
    id_to_object,
    strangers_import,
)


@pytest.mark.parametrize("name", ["ssim-v1", "fvd-bdmm-test-16f-v2", "l1-v10"])
def test_ids_with_a_version_are_ids(name):
    assert check_id(name) == name


@pytest.mark.parametrize(
    "name", ["ssim", "ssim-v0", "SSIM-v1", "ssim@v1", "1ssim-v1", "ssim-v1@random", "-v1", ""]
)
def test_other_names_are_refused(name):
    with pytest.raises(RegistryError, match="expected a versioned id"):
        check_id(name)


def test_unknown_name_gets_the_nearest_one():
    with pytest.raises(
        RegistryError, match=r"expected a known metric, got 'ssim-v2'; did you mean 'ssim-v1'"
    ):
        check_known("ssim-v2", ["ssim-v1", "fid-v1"], "metric")
    with pytest.raises(RegistryError, match="known: fid-v1, ssim-v1"):
        check_known("zzz", ["ssim-v1", "fid-v1"], "metric")


def test_objects_are_imported_by_id():
    assert id_to_object("a", {"a": "math:sqrt"}, "function")(4) == 2
    assert id_to_object("a", {"a": "math"}, "module") is math
    with pytest.raises(RegistryError, match="expected a known function"):
        id_to_object("b", {"a": "math:sqrt"}, "function")


@pytest.mark.parametrize("error", [RuntimeError("no GPU"), SystemExit(3)])
def test_whatever_a_strangers_code_raises_is_told_in_a_line(error):
    def run():
        with strangers_import("model a", "b:C"):
            raise error

    kind = type(error).__name__
    with pytest.raises(ModelError, match=rf"expected model a at its entry point b:C, .* \({kind}: {error}\)"):
        run()


def test_what_a_stranger_lacks_is_named():
    check_callables(math, ("sqrt", "floor"), "module math", "functions", see="the manual")
    with pytest.raises(
        ModelError,
        match="expected module math to have the functions sqrt and pi and root, found no pi and no root; see",
    ):
        check_callables(math, ("sqrt", "pi", "root"), "module math", "functions", see="the manual")


def test_installed_models_are_found():
    assert {"copy_source", "mesh_warp"} <= set(group_to_table("vptbench.models"))
    assert group_to_table("vptbench.nobody") == {}
