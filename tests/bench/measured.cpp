// SPDX-License-Identifier: GPL-2.0-or-later
// Runs a command and writes what it took. A small parent of its own, because a process counts the memory of who started
// it until it became itself.
//
//   measured FILE COMMAND [ARG…]     FILE gets JSON: seconds, cpu_seconds and peak_kilobytes with all descendants
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

} // namespace

int main(int count, char** words) {
    if (count < 3) {
        std::fputs("usage: measured FILE COMMAND [ARG...]\n", stderr);
        return 2;
    }
    const auto start = std::chrono::steady_clock::now();
    const pid_t child = fork();
    if (child == 0) {
        execvp(words[2], words + 2);
        std::fprintf(stderr, "measured: %s: %s\n", words[2], std::strerror(errno));
        _exit(127);
    }
    int status = 0;
    rusage usage{};
    if (child < 0 || wait4(child, &status, 0, &usage) != child) {
        std::perror("measured");
        return 1;
    }
    const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    FILE* const file = std::fopen(words[1], "w");
    if (file == nullptr) {
        std::perror(words[1]);
        return 1;
    }
    std::fprintf(file, "{\"seconds\": %.6f, \"cpu_seconds\": %.6f, \"peak_kilobytes\": %ld}\n", wall,
                 seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss);
    std::fclose(file);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
