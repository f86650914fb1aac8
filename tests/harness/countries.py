# SPDX-License-Identifier: GPL-2.0-or-later
"""Real addresses of several countries, found in a country database by libmaxminddb's own program."""

import ipaddress
import random
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# where IPv6 networks are given out, as top 16 bits
_GIVEN_OUT = (0x2001, 0x2400, 0x2600, 0x2800, 0x2a00, 0x2c00)


@cache
def built() -> Path:
    """A database like the image's."""
    run = subprocess.run([ROOT / 'board' / 'country-database'], check=True, capture_output=True, text=True)
    return Path(run.stdout.strip())


def look_up(path: Path, addresses: list[str]) -> list[str | None]:
    """Country of each address; None where the database has none."""
    script = 'while read -r address; do mmdblookup --file "$0" --ip "$address" country iso_code 2>&1; echo ----; done'
    output = subprocess.run(['bash', '-c', script, path], input='\n'.join(addresses) + '\n', check=True, capture_output=True, text=True).stdout
    answers = [answer.split('"') for answer in output.split('----\n')[:-1]]
    assert len(answers) == len(addresses)
    return [words[1] if len(words) == 3 and len(words[1]) == 2 and words[1].isalpha() and words[1] not in ('ZZ', 'XX') else None for words in answers]


def _anywhere(chance: random.Random, version: int) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    if version == 4:
        return ipaddress.IPv4Address(chance.getrandbits(32))
    top = chance.choice(_GIVEN_OUT) + chance.randrange(0x10) << 16 | chance.getrandbits(12) << 4
    return ipaddress.IPv6Address(top << 96 | chance.getrandbits(64) << 32 | 1)


@cache
def found(path: Path, seed: int = 4) -> dict[tuple[str | None, int], list[str]]:
    """Addresses by country and IP version: what a thousand random draws of each version give. Global ones only."""
    chance = random.Random(seed)
    drawn = [address for version in (4, 6) for address in (_anywhere(chance, version) for _ in range(1000)) if address.is_global and not address.is_multicast]
    sorted_out: dict[tuple[str | None, int], list[str]] = {}
    for address, country in zip(drawn, look_up(path, [str(address) for address in drawn]), strict=True):
        sorted_out.setdefault((country, address.version), []).append(str(address))
    return sorted_out


def of(path: Path, country: str | None, version: int, count: int = 1) -> list[str]:
    """So many addresses of a country; None: of no country."""
    addresses = found(path).get((country, version), [])
    assert len(addresses) >= count, f'{path} has too few addresses of {country} among those drawn: {addresses}'
    return addresses[:count]
