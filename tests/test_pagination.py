"""Pages and the signed cursor, without a database."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from bedplate.errors import InvalidCursorError
from bedplate.pagination import CursorCodec, CursorPage, CursorParams, Page, PageParams

KEY = b"0123456789abcdef0123456789abcdef"
CODEC = CursorCodec(KEY)


class Item(BaseModel):
    name: str


@given(st.binary(max_size=300), st.binary(max_size=100))
def test_a_cursor_comes_back_as_it_was(payload: bytes, context: bytes) -> None:
    cursor = CODEC.encode(payload, context)
    assert CODEC.decode(cursor, context) == payload
    assert cursor.isascii()
    assert "=" not in cursor


def test_a_page_is_converted_item_by_item() -> None:
    page = CursorPage(items=["a", "b"], next_cursor="n", has_more=True, total=9)
    converted = page.map(lambda name: Item(name=name))
    assert converted.model_dump() == {
        "items": [{"name": "a"}, {"name": "b"}],
        "next_cursor": "n",
        "previous_cursor": None,
        "has_more": True,
        "total": 9,
    }
    assert CursorPage[Item].model_validate(converted).items == converted.items
    by_offset = Page(items=[1], limit=1, offset=3, has_more=False).map(str)
    assert by_offset == Page(items=["1"], limit=1, offset=3, has_more=False)


@pytest.mark.unhappy
@given(st.data())
def test_a_cursor_with_any_byte_changed_is_refused(data: st.DataObject) -> None:
    raw = base64.urlsafe_b64decode(CODEC.encode(b"some position", b"x") + "==")
    index = data.draw(st.integers(0, len(raw) - 1))
    changed = bytearray(raw)
    changed[index] ^= data.draw(st.integers(1, 255))
    forged = base64.urlsafe_b64encode(changed).rstrip(b"=").decode()
    with pytest.raises(InvalidCursorError):
        CODEC.decode(forged, b"x")


@pytest.mark.unhappy
@given(st.text(max_size=100))
def test_text_that_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursorError):
        CODEC.decode(text, b"x")


@pytest.mark.unhappy
@pytest.mark.parametrize("length", range(40))
def test_a_cursor_that_is_cut_off_is_refused(length: int) -> None:
    cursor = CODEC.encode(b"some position", b"x")
    assert len(cursor) == 40
    with pytest.raises(InvalidCursorError):
        CODEC.decode(cursor[:length], b"x")


@pytest.mark.unhappy
@given(st.binary(max_size=20), st.binary(max_size=20), st.binary(max_size=20))
def test_a_cursor_of_another_listing_is_refused(one: bytes, other: bytes, payload: bytes) -> None:
    cursor = CODEC.encode(payload, one)
    if one != other:
        with pytest.raises(InvalidCursorError):
            CODEC.decode(cursor, other)


@pytest.mark.unhappy
def test_a_cursor_under_another_key_is_refused() -> None:
    with pytest.raises(InvalidCursorError):
        CursorCodec(KEY[::-1]).decode(CODEC.encode(b"p", b"x"), b"x")


@pytest.mark.unhappy
def test_an_endless_cursor_is_not_looked_at() -> None:
    with pytest.raises(InvalidCursorError):
        CODEC.decode(CODEC.encode(5000 * b"p", b"x"), b"x")


@pytest.mark.unhappy
def test_a_short_key_is_refused_and_not_shown() -> None:
    with pytest.raises(ValueError, match="15 bytes") as info:
        CursorCodec(b"fifteen-secrets")
    assert "secrets" not in str(info.value)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "values",
    [{"limit": 0}, {"limit": -1}, {"limit": 101}, {"limit": 10**30}, {"nobody": 1}],
)
def test_limits_and_unknown_parameters_are_refused(values: dict[str, int]) -> None:
    for params in (PageParams, CursorParams):
        with pytest.raises(ValidationError):
            params.model_validate(values)


@pytest.mark.unhappy
@pytest.mark.parametrize("offset", [-1, 1_000_001, 2**63])
def test_an_offset_out_of_bounds_is_refused(offset: int) -> None:
    with pytest.raises(ValidationError):
        PageParams(offset=offset)
