# SPDX-License-Identifier: GPL-2.0-or-later
# Cross compilation for the router: the compiler and the emulator, no flags.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig)
# Debian's multiarch arm64 libraries are found by the loader through the prefix of the cross libc
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /)
