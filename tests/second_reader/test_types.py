"""Texts of types: what the grammar of the specification allows, and what the program does with each."""

from __future__ import annotations

import pytest

import program
from second_reader import Dataset, Refused, writer

ALLOWED = [
    "u8[ 2 , 3 ]", " u8", "list< i32 >", "list<i32 ?>", "timestamp(us, UTC)", "timestamp(us,+02:00)", "decimal128( 10 , 2 )", "decimal32(9,9)",
    "fixed_binary(3)", "u8[02]", "u8[?]", "bool[?,?]", "u8[]", "u8[0,2147483647]", "i64[134217728]", f"u8[{','.join(['1'] * 32)}]",
    "struct<A:i32,a:i32>", 'struct<"a b":i32>', "struct<1:i32>", 'struct<"a":i32>', "map<string,i32?>", "file",
    "list<" * 32 + "i32" + ">" * 32, "struct<x:struct<y:i32?>?>", "interval(day_time)",
]
REFUSED = [
    "", "U8", "u8?", "LIST<i32>", "u128", "u8[2,]", "u8[,]", "u8[??]", "u8[2?]", "u8[2147483648]", "u8[4294967296,?]", "i64[134217729]",
    f"u8[{','.join(['1'] * 33)}]", "decimal128(10, -2)", "decimal128(0,0)", "decimal32(10,0)", "fixed_binary(0)", "timestamp(us,)",
    "struct<>", "struct<a:i32,a:i32>", 'struct<"":i32>', "list<bf16>", "list<u8[2]>", "list<file>", "map<bf16,i32>", "map<string?,i32>",
    "list<" * 33 + "i32" + ">" * 33, "list<i32", "list<i32>>", "u8[2][3]", "string[2]", "time32(us)", "time64(s)", "interval(month_day_nano)",
    "duration(h)",
]


@pytest.mark.parametrize("text", ALLOWED + REFUSED)
def test_both_allow_the_same_texts_of_types(text, tmp_path):
    attribute = {"id": 1, "name": "x", "type": text, "nullable": True, "encoding": "raw"}
    writer.write_root(tmp_path, {
        "format_version": 1, "reader_features": [], "writer_features": [], "version": 1, "write_id": "0", "created_ms": 1, "operation": "create",
        "schema": {"next_field_id": 2, "attributes": [attribute]}, "properties": {}, "next_row_id": 0, "sequences": {}, "tags": {}, "views": {},
        "single_writer": False, "leaves": []})
    if text in ALLOWED:
        assert Dataset(tmp_path).rows() == []
        program.tenrow("info", tmp_path)
        return
    with pytest.raises(Refused):
        Dataset(tmp_path)
    with pytest.raises(program.Failed):
        program.tenrow("info", tmp_path)
