"""Files of JSON lines are read to their end, whatever is in them, or refused with their name and line."""

from __future__ import annotations

import gzip
import io
import os
import threading

import pytest

from streams.errors import Refused
from streams.lines import Lines, check_readable
from streams.parsing import LONGEST_MESSAGE

CONTENT = b'{"a": 1}\n\n  \r\n{"b": 2}\r\nlast'
EXPECTED = [(1, b'{"a": 1}'), (4, b'{"b": 2}'), (5, b"last")]


@pytest.mark.parametrize("name", ["plain.jsonl", "packed.jsonl.gz", "packed-without-suffix"])
def test_lines_have_numbers_and_blank_ones_are_left_out(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(gzip.compress(CONTENT) if "packed" in name else CONTENT)
    with Lines(str(path)) as lines:
        assert list(lines) == EXPECTED
        assert lines.position == lines.size == path.stat().st_size


def test_several_gzip_files_in_one_are_read_on(tmp_path):
    path = tmp_path / "two.gz"
    path.write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two\n"))
    with Lines(str(path)) as lines:
        assert list(lines) == [(1, b"one"), (2, b"two")]


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input_is_read_and_left_open(packed, monkeypatch):
    buffer = io.BufferedReader(io.BytesIO(gzip.compress(CONTENT) if packed else CONTENT))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(buffer))
    with Lines("-") as lines:
        assert (lines.name, lines.size) == ("standard input", None)
        assert list(lines) == EXPECTED
        assert lines.position == 0
    assert not buffer.closed


def test_a_pipe_is_read_once_and_has_no_size(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(CONTENT,))
    writer.start()
    check_readable([str(path)])
    with Lines(str(path)) as lines:
        assert list(lines) == EXPECTED
        assert (lines.size, lines.position) == (None, 0)
    writer.join()


def test_an_empty_file_has_no_lines(tmp_path):
    path = tmp_path / "empty"
    path.touch()
    with Lines(str(path)) as lines:
        assert list(lines) == []


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_the_longest_message_is_whole_and_a_longer_line_is_cut(end, tmp_path):
    path = tmp_path / "long"
    longest = b"x" * LONGEST_MESSAGE
    path.write_bytes(longest + end + b"y" * (5 * LONGEST_MESSAGE) + end + b"z" * (LONGEST_MESSAGE + 1) + end + b"next")
    with Lines(str(path)) as lines:
        found = list(lines)
    assert [number for number, _ in found] == [1, 2, 3, 4]
    assert found[0][1] == longest
    assert LONGEST_MESSAGE < len(found[1][1]) <= LONGEST_MESSAGE + 2
    assert len(found[2][1]) == LONGEST_MESSAGE + 1
    assert found[3][1] == b"next"


@pytest.mark.parametrize("cut", [slice(None, -9), slice(None, 12)])
def test_a_damaged_file_is_refused_with_its_line(cut, tmp_path):
    path = tmp_path / "damaged.gz"
    path.write_bytes(gzip.compress(CONTENT)[cut])
    with pytest.raises(Refused, match=r"damaged.gz: line \d+: expected gzip to its end"), Lines(str(path)) as lines:
        list(lines)


def test_garbage_after_a_gzip_header_is_refused(tmp_path):
    path = tmp_path / "damaged.gz"
    path.write_bytes(gzip.compress(CONTENT)[:10] + b"\xff" * 40)
    with pytest.raises(Refused, match=r"line 1: expected gzip to its end"), Lines(str(path)) as lines:
        list(lines)


def test_files_that_are_not_there_are_refused_before_any_is_opened(tmp_path):
    there = tmp_path / "there"
    there.touch()
    check_readable(["-", str(there)])
    with pytest.raises(Refused, match=r"gone: expected a file of JSON lines, found none .*No such file"):
        check_readable([str(there), str(tmp_path / "gone")])
    with pytest.raises(Refused, match="Is a directory"):
        check_readable([str(tmp_path)])
    for name in ("gone", "."):
        with pytest.raises(Refused, match="expected a file of JSON lines, found none"):
            Lines(str(tmp_path / name))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"\x28\xb5\x2f\xfd\x04\x00", "found zstd; decompress"),
        (b"BZh91AY&SY", "found bzip2"),
        (b"PK\x03\x04\x14\x00", "found a zip archive; unpack"),
        ('{"type": "gold"}'.encode("utf-16"), "found UTF-16; save it as UTF-8"),
        (b"\x7fELF\x02\x01\x01\x00\n\x00\xff", "found a binary file"),
    ],
)
def test_a_file_of_another_kind_is_one_error_before_any_is_used(content, found, tmp_path):
    (tmp_path / "other").write_bytes(content)
    (tmp_path / "there").write_bytes(CONTENT)
    with pytest.raises(Refused, match=rf"other: expected JSON lines, plain or .gz, {found}"):
        check_readable([str(tmp_path / "there"), str(tmp_path / "other")])


@pytest.mark.parametrize("content", [b'\x00\xff\n{"a": 1}\n', b"\xff\n", b"not json\n", b"[\x00"])
def test_lines_that_are_no_events_are_still_lines(content, tmp_path):
    """They are dead letters, counted like any other."""
    (tmp_path / "hostile").write_bytes(content)
    check_readable([str(tmp_path / "hostile")])
    with Lines(str(tmp_path / "hostile")) as lines:
        assert [line for _, line in lines] == content.splitlines()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_mark_that_some_editors_write_first_is_no_part_of_the_first_line(pack, tmp_path):
    (tmp_path / "marked").write_bytes(pack(b"\xef\xbb\xbf" + CONTENT))
    with Lines(str(tmp_path / "marked")) as lines:
        assert list(lines) == EXPECTED
