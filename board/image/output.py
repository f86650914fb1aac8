# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the image's files: the same input gives the same bytes."""

import gzip
import hashlib
import os
import shutil
import stat
import subprocess
from pathlib import Path

from .manifest import ImageError

DATA_SIZE_MB = 128
# Any fixed value does: the template's file system is the same in every build; a device's own is made when it is first set up.
DATA_UUID = '5ec15400-0000-4000-8000-0000000000da'
EPOCH = '946684800'


def image_hash(root: Path, kernel_file: Path, initramfs_file: Path, without: str) -> str:
    """SHA-256 over what an image is made of but for one file of its root; board/image-hash computes the same with common tools and says how."""
    entries, files = [], []
    for path in root.rglob('*'):
        name = f'./{path.relative_to(root)}'
        if name == f'./{without}':
            continue
        status = path.lstat()
        kind = next(letter for letter, test in (('l', stat.S_ISLNK), ('d', stat.S_ISDIR), ('f', stat.S_ISREG)) if test(status.st_mode))
        entries.append(f'{kind} {stat.S_IMODE(status.st_mode):o} {name} {os.readlink(path) if kind == "l" else ""}\n'.encode())
        if kind == 'f':
            files.append((name.encode(), path))
    digest = hashlib.sha256(b''.join(sorted(entries)))
    for name, path in [*sorted(files), (b'kernel', kernel_file), (b'initramfs.cpio.zst', initramfs_file)]:
        digest.update(file_hash(path).encode() + b'  ' + name + b'\n')
    return digest.hexdigest()


def file_hash(path: Path) -> str:
    with path.open('rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


def tree_size(root: Path) -> int:
    return sum(path.lstat().st_size for path in root.rglob('*') if path.is_file() and not path.is_symlink())


def squashfs(root: Path, destination: Path) -> None:
    part = destination.with_suffix('.part')
    part.unlink(missing_ok=True)
    _run(['mksquashfs', str(root), str(part), '-quiet', '-no-progress', '-noappend', '-comp', 'zstd', '-Xcompression-level', '19',
          '-b', '256K', '-all-root', '-no-xattrs', '-mkfs-time', EPOCH, '-all-time', EPOCH])
    part.rename(destination)


def initramfs(entries: dict[str, tuple[int, bytes]], destination: Path) -> int:
    """Writes a cpio archive (newc) of path -> (mode, content), compressed; returns its unpacked size in bytes."""
    archive = bytearray()
    for number, (path, (mode, content)) in enumerate(sorted(entries.items()), 1):
        device = (5, 1) if stat.S_ISCHR(mode) else (0, 0)  # /dev/console is the only one
        _cpio_entry(archive, number, path, mode, content, device)
    _cpio_entry(archive, 0, 'TRAILER!!!', 0, b'', (0, 0))
    part = destination.with_suffix('.part')
    run = subprocess.run(['zstd', '-q', '-19', '-c'], input=bytes(archive), stdout=subprocess.PIPE, check=True)
    part.write_bytes(run.stdout)
    part.rename(destination)
    return len(archive)


def _cpio_entry(archive: bytearray, number: int, path: str, mode: int, content: bytes, device: tuple[int, int]) -> None:
    name = path.encode() + b'\0'
    values = (number, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(name), 0)
    archive += b'070701' + b''.join(b'%08X' % value for value in values) + name
    archive += b'\0' * (-len(archive) % 4)
    archive += content
    archive += b'\0' * (-len(archive) % 4)


def kernel(image: Path, destination: Path) -> None:
    part = destination.with_suffix('.part')
    part.write_bytes(gzip.compress(image.read_bytes(), 9, mtime=0))
    part.rename(destination)


def data_template(destination: Path, work: Path) -> None:
    """The data partition of a device that was never configured: three folders and the mark that says so."""
    content = work / 'data'
    shutil.rmtree(content, ignore_errors=True)
    for name in ('config', 'log', 'state'):
        (content / name).mkdir(parents=True)
        (content / name).chmod(0o700)
    (content / 'state/factory').touch(mode=0o600)
    for path in [*content.rglob('*'), content]:
        os.utime(path, (int(EPOCH), int(EPOCH)))
    part = destination.with_suffix('.part')
    part.unlink(missing_ok=True)
    with part.open('wb') as file:
        file.truncate(DATA_SIZE_MB << 20)
    # a damaged orphan file keeps a partition from being mounted, and at this size it gains nothing
    options = f'hash_seed={DATA_UUID},root_owner=0:0,lazy_itable_init=0'
    _run(['mke2fs', '-q', '-t', 'ext4', '-O', '^orphan_file', '-L', 'sekisho-data', '-U', DATA_UUID, '-E', options, '-m', '0', '-d', str(content), str(part)],
         E2FSPROGS_FAKE_TIME=EPOCH, SOURCE_DATE_EPOCH=EPOCH)
    part.rename(destination)


def _run(command: list[str], **environment: str) -> None:
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **environment})
    if run.returncode != 0:
        raise ImageError(f'{command[0]} failed with status {run.returncode}:\n{run.stdout}')
