"""Tensors cut into chunks."""

from hypothesis import given
from hypothesis import strategies as st

from gradclip.kernels.cuda import Type, arrange

LENGTHS = st.lists(st.tuples(st.integers(0, 30), st.sampled_from(Type)), max_size=12)


@given(LENGTHS, st.integers(1, 8))
def test_every_entry_lies_in_one_chunk(tensors, chunk):
    lengths, kinds = [n for n, _ in tensors], [kind for _, kind in tensors]
    found = arrange(lengths, kinds, chunk)
    covered = [
        (owner, offset * chunk + i)
        for owner, offset in zip(found.owners, found.offsets, strict=True)
        for i in range(min(chunk, lengths[owner] - offset * chunk))
    ]
    assert sorted(covered) == [(t, i) for t, n in enumerate(lengths) for i in range(n)]


@given(LENGTHS, st.integers(1, 8))
def test_a_tensor_s_chunks_lie_side_by_side(tensors, chunk):
    found = arrange([n for n, _ in tensors], [kind for _, kind in tensors], chunk)
    for t in range(len(tensors)):
        own = range(found.starts[t], found.ends[t])
        assert [i for i, owner in enumerate(found.owners) if owner == t] == list(own)
        assert [found.offsets[i] for i in own] == list(range(len(own)))


@given(LENGTHS, st.integers(1, 8))
def test_groups_hold_chunks_of_their_type_alone(tensors, chunk):
    kinds = [kind for _, kind in tensors]
    found = arrange([n for n, _ in tensors], kinds, chunk)
    assert sum(group.length for group in found.groups) == found.num_chunks
    for kind, first, length in found.groups:
        assert length
        assert {kinds[owner] for owner in found.owners[first : first + length]} == {kind}
