"""Pickles read as data: what arrives, what is refused, and that nothing runs."""

import pickle
import resource
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_matrix, csr_matrix

from vptbench import unpickle
from vptbench.errors import PickleError
from vptbench.unpickle import read_pickle

PROTOCOLS = range(6)


class Call:
    """Pickles as a call of anything."""

    def __init__(self, function, *arguments):
        self.parts = function, arguments

    def __reduce__(self):
        return self.parts


def written(folder, document, protocol=4):
    path = folder / "a.pkl"
    path.write_bytes(document if isinstance(document, bytes) else pickle.dumps(document, protocol=protocol))
    return path


def named(module, name, *, old):
    """A pickle that asks for a name and calls it with the text "x": {"a": module.name("x")}."""
    if old:
        return b"(dS'a'\nc%s\n%s\n(S'x'\ntRs." % (module.encode(), name.encode())
    texts = b"".join(b"\x8c%c%s" % (len(text), text.encode()) for text in (module, name))
    return b"\x80\x04}\x8c\x01a" + texts + b"\x93\x8c\x01x\x85Rs."


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "<i4", ">i4", "u8", "f2", "<f4", ">f4", "f8", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_arrive_as_they_left(tmp_path, protocol, dtype, order):
    array = np.asarray(np.arange(24).reshape(2, 3, 4) % 7, dtype=dtype, order=order)
    found = read_pickle(written(tmp_path, {"a": array, "b": [None, "x", 1.5]}, protocol), ["a"])["a"]
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype.newbyteorder("=")


@settings(deadline=None, max_examples=30)
@given(shape=st.lists(st.integers(0, 4), max_size=4), protocol=st.integers(0, 5), seed=st.integers(0, 99))
def test_any_shape_arrives(tmp_path_factory, shape, protocol, seed):
    array = np.random.default_rng(seed).normal(size=shape)
    found = read_pickle(written(tmp_path_factory.mktemp("pickle"), {"a": array}, protocol), ["a"])["a"]
    np.testing.assert_array_equal(found, array)
    assert found.shape == array.shape


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", [csc_matrix, csr_matrix])
def test_sparse_matrices_arrive_in_full(tmp_path, protocol, kind):
    rng = np.random.default_rng(1)
    array = rng.normal(size=(5, 8)) * (rng.random((5, 8)) < 0.3)
    found = read_pickle(written(tmp_path, {"a": kind(array)}, protocol), ["a"])["a"]
    np.testing.assert_array_equal(found, array)


def test_entries_of_a_sparse_matrix_in_one_place_are_added(tmp_path):
    matrix = csc_matrix((np.array([1.0, 2]), np.array([1, 1]), np.array([0, 2, 2])), shape=(2, 2))
    np.testing.assert_array_equal(read_pickle(written(tmp_path, {"a": matrix}), ["a"])["a"], [[0, 0], [3, 0]])


def test_a_pickle_of_python_2_by_hand(tmp_path):
    """Two doubles in the text form of Python 2: 1.0 is 00 00 00 00 00 00 f0 3f, −2.0 ends in 00 c0."""
    text = (
        b"(dp0\nS'a'\np1\ncnumpy.core.multiarray\n_reconstruct\np2\n(cnumpy\nndarray\np3\n(I0\ntp4\nS'b'\np5\n"
        b"tp6\nRp7\n(I1\n(I2\nI1\ntp8\ncnumpy\ndtype\np9\n(S'f8'\np10\nI0\nI1\ntp11\nRp12\n(I3\nS'<'\np13\nNNNI-1\n"
        b"I-1\nI0\ntp14\nbI00\nS'\\x00\\x00\\x00\\x00\\x00\\x00\\xf0?\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\xc0'\np15\n"
        b"tp16\nbs."
    )
    np.testing.assert_array_equal(read_pickle(written(tmp_path, text), ["a"])["a"], [[1], [-2]])


@pytest.mark.parametrize("old", [True, False])
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("__builtin__", "eval"),
        ("builtins", "exec"),
        ("builtins", "getattr"),
        ("builtins", "open"),
        ("subprocess", "Popen"),
        ("antigravity", "fly_antigravity"),
        ("numpy", "load"),
        ("numpy", "fromfile"),
        ("numpy", "memmap"),
        ("numpy", "vectorize"),
        ("numpy.testing", "rundocs"),
        ("numpy.f2py", "run_main"),
        ("numpy.ma.core", "_mareconstruct"),
        ("numpy.core.multiarray", "fromstring"),
        ("numpy.core.multiarray", "_reconstruct.__globals__"),
        ("numpy", "ndarray.tofile"),
        ("numpy", "dtype.__class__"),
        ("copyreg", "__newobj__"),
        ("functools", "partial"),
        ("chumpy.ch", "Ch.__init__"),
        ("chumpy", "load"),
        ("scipy.sparse", "load_npz"),
        ("codecs", "encode"),
        ("_codecs", "decode"),
        ("vptbench.unpickle", "_Inert"),
    ],
)
def test_other_names_are_refused_by_name(tmp_path, module, name, old):
    before = set(sys.modules)
    with pytest.raises(PickleError) as refused:
        read_pickle(written(tmp_path, named(module, name, old=old)), ["a"])
    assert f"asks for '{module}.{name}', which was not run; get the file from its authors" in str(
        refused.value
    )
    assert "\n" not in str(refused.value)
    assert set(sys.modules) == before
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_calls_hidden_among_arrays_do_not_happen(tmp_path, protocol):
    import os  # noqa: PLC0415 - what is abused

    trap = tmp_path / "trap"
    calls = (
        Call(os.system, f"touch {trap}"),
        Call(eval, f"open({str(trap)!r}, 'w')"),  # noqa: S307 - is not to happen
        Call(np.ndarray.tofile, np.zeros(3), str(trap)),
        Call(np.save, str(trap), np.zeros(3)),
    )
    for call in calls:
        for document in (
            {"a": np.zeros(3), "b": call},
            {"a": np.array([call, None], dtype=object)},
            {"a": [np.zeros(3), {"deep": (call,)}]},
            call,
        ):
            with pytest.raises(PickleError, match=r"asks for '.*', which was not run"):
                read_pickle(written(tmp_path, document, protocol), ["a"])
    assert [path.name for path in tmp_path.iterdir()] == ["a.pkl"]


def array_pickle(code=b"f8", state=b"(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb", shape=b"(I1\nt", data=b"S'12345678'\n"):
    """{"a": an array} with parts of one's own."""
    return (
        b"(dS'a'\ncnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n"
        + shape + b"cnumpy\ndtype\n(S'" + code + b"'\nI0\nI1\ntR" + state + b"I00\n" + data + b"tbs."
    )  # fmt: skip


def test_the_array_that_the_next_test_spoils_is_good(tmp_path):
    expected = np.frombuffer(b"12345678", np.float64)
    np.testing.assert_array_equal(read_pickle(written(tmp_path, array_pickle()), ["a"])["a"], expected)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"code": b"O8"}, "elements of type 'O8', not numbers"),
        (
            {"code": b"O8", "state": b"(I3\nS'|'\nNNNI-1\nI-1\nI0\ntb"},
            "elements of type 'O8'",
        ),  # flags say: no pointers
        ({"code": b"f8", "state": b"(I3\nS'<'\nN(S'x'\nt}I8\nI1\nI0\ntb"}, "of a compound type 'f8'"),
        ({"code": b"V8", "state": b"(I3\nS'|'\nN(S'x'\nt}I8\nI1\nI0\ntb"}, "elements of type 'V8'"),
        ({"code": b"f8", "state": b"(I3\nS'<'\n(S'f8'\n(I9\nttNNI-1\nI-1\nI0\ntb"}, "of a compound type"),
        ({"code": b"f8", "state": b"(I3\nS'O'\nNNNI-1\nI-1\nI0\ntb"}, "of a compound type"),
        ({"code": b"U2"}, "elements of type 'U2'"),
        ({"code": b"M8"}, "elements of type 'M8'"),
        ({"code": b"f8,O"}, "elements of type 'f8,O'"),
        ({"shape": b"(I1000\nt"}, "cannot reshape array of size 1"),
        ({"shape": b"(I99999999999999\nI99999999999999\nt"}, "cannot reshape array of size 1 into"),
        ({"shape": b"(I-1\nt"}, r"an array of shape \(-1,\)"),
        ({"shape": b"(I01\nt"}, r"an array of shape \(True,\)"),
        ({"shape": b"I1\n"}, "int where a tuple was due"),
        ({"data": b"S'1234'\n"}, "buffer size must be a multiple of element size"),
        ({"data": b"(lS'x'\na"}, "an array made of list, not of bytes"),
        ({"data": b"I8\n"}, "an array made of int, not of bytes"),
    ],
)
def test_arrays_that_would_be_something_else_are_refused(tmp_path, parts, message):
    with pytest.raises(PickleError, match=rf"found something else in a \(.*{message}"):
        read_pickle(written(tmp_path, array_pickle(**parts)), ["a"])


def test_object_arrays_are_refused_where_they_are_asked_for(tmp_path):
    path = written(tmp_path, {"a": np.array([{}, None], dtype=object), "b": np.zeros(2)})
    np.testing.assert_array_equal(read_pickle(path, ["b"])["b"], [0, 0])
    with pytest.raises(PickleError, match="elements of type 'O8', not numbers"):
        read_pickle(path, ["a"])


def test_stand_ins_cannot_be_changed_by_a_pickle(tmp_path):
    """The state of a class would be its attributes, for every later file."""
    before = {kind: dict(vars(kind)) for kind in unpickle.KNOWN.values()}
    for module, name in unpickle.KNOWN:
        for state in (b"(dS'state'\nI1\ns", b"(N(dS'state'\nI1\nstt"):
            text = b"c%s\n%s\n%sb." % (module.encode(), name.encode(), state)
            with pytest.raises(PickleError):
                read_pickle(written(tmp_path, text), ["a"])
    assert {kind: dict(vars(kind)) for kind in unpickle.KNOWN.values()} == before


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"_shape": (3, 9)}, "whose parts do not fit"),
        ({"indices": np.array([0, 7, 1], np.int32)}, "whose parts do not fit"),
        ({"indices": np.array([0, -1, 1], np.int32)}, "whose parts do not fit"),
        ({"indices": np.array([0.0, 1, 1])}, "whose parts do not fit"),
        ({"indptr": np.array([0, 3, 1, 3], np.int32)}, "whose parts do not fit"),
        ({"indptr": np.array([1, 1, 1, 3], np.int32)}, "whose parts do not fit"),
        ({"data": np.ones(2)}, "whose parts do not fit"),
        ({"data": [1.0, 2, 3]}, "holds no array"),
        ({"_shape": (3, -3)}, "a sparse matrix of shape"),
        ({"_shape": 3}, "int where a tuple was due"),
    ],
)
def test_sparse_matrices_that_do_not_fit_are_refused(tmp_path, state, message):
    matrix = csc_matrix(np.diag([1.0, 2, 3]))
    matrix.__dict__.update(state)
    with pytest.raises(PickleError, match=message):
        read_pickle(written(tmp_path, {"a": matrix}), ["a"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "EOFError"),
        (b"text", "found something else"),
        (pickle.dumps([np.zeros(2)]), "expected a dict of arrays, found another pickle"),
        (pickle.dumps({"b": np.zeros(2)}), "expected arrays a, found no a; get the file anew"),
        (pickle.dumps({"a": [1.0, 2.0]}), "no array but list"),
        (pickle.dumps({"a": np.float64(1)}), "no array but inert"),
        (pickle.dumps({"a": np.zeros(9)})[:-20], "found something else"),
        (b"Pfile\n.", "UnpicklingError"),
        (b"\x80\x02\x82\x01.", "unregistered extension code"),
        (b"\x80\x05\x97.", "found something else"),
        (b"cchumpy.ch\nCh\n(tR(dS'x'\nI1\nsb.", "found another pickle"),
        (b"(dS'a'\ncchumpy.ch\nCh\n(tRs.", "no array but chumpy"),
        (b"(dS'a'\ncchumpy.ch\nCh\n(tR(dS'y'\nI1\nsbs.", "KeyError: 'x'"),
        (b"(dS'a'\ncchumpy.ch\nCh\n(tR(dS'x'\nI1\nsbs.", "an array of chumpy that holds no array"),
        (b"(dS'a'\nccopy_reg\n_reconstructor\n(tRs.", "no array but rebuilt"),
    ],
)
def test_what_is_no_dict_of_arrays_is_refused(tmp_path, text, message):
    with pytest.raises(PickleError, match=message) as refused:
        read_pickle(written(tmp_path, text), ["a"])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", [b"\x80\x02}r\xff\xff\xff\x0f.", b"}p268435455\n."])
def test_memory_is_not_made_for_what_no_file_can_hold(tmp_path, text):
    """Nine bytes that name the 268,435,455th thing to remember, for which Python's own would take 4 GB."""
    (tmp_path / "a.pkl").write_bytes(text)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(PickleError, match="found no x"):
        read_pickle(tmp_path / "a.pkl", ["x"])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kB


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(PickleError, match=r"none\.pkl: expected a pickle .*FileNotFoundError"):
        read_pickle(tmp_path / "none.pkl", ["a"])
