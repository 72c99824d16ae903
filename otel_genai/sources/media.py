"""An image, a sound or a file in a message, as what may be told of it: type, size and hash, or where it is."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from enum import Enum
from typing import Any

from .. import content, guard
from .fields import field, fields, first_word

MODALITIES = ("image", "audio", "video")
HOLDERS = ("image_url", "input_audio", "source", "file", "inline_data", "inlineData", "file_data", "fileData")
DATA = ("data", "file_data", "base64")


def medium(item: Any, kind: str) -> dict[str, Any] | None:
    """An image, a sound or a file as its type, size and hash, or as where it is; `None` for what is none."""
    get = fields(item).get
    found = (get(name) for name in HOLDERS)
    holder = next((one for one in found if one is not None and not isinstance(one, Enum)), item)
    modality = next((name for name in MODALITIES if name in kind), "document" if kind else None)
    mime_type = first_word((holder, item), ("media_type", "mime_type", "mimeType", "format"))
    if mime_type and mime_type.partition("/")[0] in MODALITIES:
        modality = mime_type.partition("/")[0]
    where = holder if isinstance(holder, str) else first_word((holder,), ("url", "uri", "file_uri", "fileUri"))
    if where and not where.startswith("data:"):
        return {"type": "uri", "modality": modality or "document", "uri": where}
    data = where.partition(",")[2] if where else next((d for n in DATA if (d := field(holder, n)) is not None), None)
    if data is None:
        file_id = first_word((holder, item), ("file_id",))
        return {"type": "file", "modality": modality or "document", "file_id": file_id} if file_id else None
    if where:
        mime_type = where[5:].partition(";")[0].partition(",")[0] or mime_type
        modality = next((name for name in MODALITIES if mime_type and mime_type.startswith(name)), modality)
    told = {name: value for name, value in weighed(data).items() if name != "type"}
    return {
        "type": "blob",
        "modality": modality or "document",
        **({"mime_type": mime_type} if mime_type else {}),
        **told,
    }


def weighed(data: Any) -> Mapping[str, Any]:
    """How large the data of a medium is, and its hash."""
    if isinstance(data, str):
        if len(data) > content.LARGEST_HASHED:
            return {"size": len(data) * 3 // 4}
        decoded, failed = guard.attempt(base64.b64decode, data)
        data = data.encode("utf-8", "replace") if failed or decoded is None else decoded
    return content.media(data) if isinstance(data, (bytes, bytearray, memoryview)) else {}
