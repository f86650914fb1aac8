# SPDX-License-Identifier: GPL-2.0-or-later
"""The support record of an image (policy/lifecycle/REFERENCE.md), as far as it can be judged when the image is made.

The router judges it again, by its own rules: what passes here and not there makes the status unknown, never supported.
"""

import json
import re
import unicodedata
from datetime import datetime
from pathlib import Path

from .manifest import ImageError

MOST_BYTES = 16 << 10
MOST_TEXT = 256
CONTROLS = {'Cc', 'Cf', 'Cs', 'Zl', 'Zp'}
SCHEMAS = ('https://docs.oasis-open.org/openeox/v1.0/schema/core.json', 'https://docs.oasis-open.org/openeox/eox-core/v1.0/schema/core.json')
NEEDED = {'promised_by', 'source', 'product', 'version', 'core'}
KNOWN = NEEDED | {'end_of_full_support'}
CORE_NEEDED = {'$schema', 'end_of_security_support', 'end_of_life', 'last_updated'}
CORE_KNOWN = CORE_NEEDED | {'general_availability', 'end_of_sales'}
NEVER_TBA = ('end_of_full_support', 'last_updated')
DATE = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)', re.ASCII)


def read(path: Path, product: str, version: str) -> bytes:
    """The file's contents; raises ImageError with file and member where it is no record of this product and version (X.Y.Z)."""
    try:
        contents = path.read_bytes()
        _judge(contents, product, version)
    except (OSError, ValueError) as problem:
        raise ImageError(f'{path}: {problem}') from problem
    return contents


def _judge(contents: bytes, product: str, version: str) -> None:
    if len(contents) > MOST_BYTES:
        raise ValueError(f'is longer than {MOST_BYTES} bytes')
    record = json.loads(contents.decode(), object_pairs_hook=_once)
    _members(record, 'record', NEEDED, KNOWN)
    core = record['core']
    _members(core, 'core', CORE_NEEDED, CORE_KNOWN)
    for name, text in [*((name, record[name]) for name in KNOWN - {'core'} if name in record), *(('core.' + name, text) for name, text in core.items())]:
        if not isinstance(text, str) or not text.strip() or len(text.encode()) > MOST_TEXT or any(unicodedata.category(character) in CONTROLS for character in text):
            raise ValueError(f'{name}: needs a text of at most {MOST_TEXT} bytes, without control characters')
    if core['$schema'] not in SCHEMAS:
        raise ValueError(f'core.$schema: is not {SCHEMAS[0]}')
    if record['product'] != product:
        raise ValueError(f'product: is {record["product"]}, but this image is {product}')
    if not re.fullmatch(r'\d+\.\d+(\.\d+)?', record['version'], re.ASCII) or not f'{version}.'.startswith(record['version'] + '.'):
        raise ValueError(f'version: {record["version"]} is not the line of {version}')
    _judge_dates({name: value for name, value in [*record.items(), *core.items()] if name in CORE_KNOWN | {'end_of_full_support'} and name != '$schema'})


def _once(pairs: list[tuple[str, object]]) -> dict:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f'{name}: is there twice')
    return dict(pairs)


def _members(value: object, what: str, needed: set[str], known: set[str]) -> None:
    if not isinstance(value, dict):
        raise ValueError(f'{what}: is no JSON object')
    if missing := needed - value.keys():
        raise ValueError(f'{what}: lacks {", ".join(sorted(missing))}')
    if unknown := value.keys() - known:
        raise ValueError(f'{what}: does not have {", ".join(sorted(unknown))}')


def _judge_dates(texts: dict[str, str]) -> None:
    dates = {}
    for name, text in texts.items():
        if text == 'tba' and name not in NEVER_TBA:
            continue
        if not DATE.fullmatch(text):
            raise ValueError(f'{name}: {text} is no date like 2033-03-31T23:59:59+09:00')
        # what the calendar does not have raises ValueError as well
        dates[name] = datetime.fromisoformat(text)
    del dates['last_updated']
    for name, date in dates.items():
        if 'end_of_life' in dates and date > dates['end_of_life']:
            raise ValueError(f'{name}: is later than end_of_life')
        if 'general_availability' in dates and date < dates['general_availability']:
            raise ValueError(f'{name}: is earlier than general_availability')
    if 'end_of_full_support' in dates and 'end_of_security_support' in dates and dates['end_of_full_support'] > dates['end_of_security_support']:
        raise ValueError('end_of_full_support: is later than end_of_security_support')
