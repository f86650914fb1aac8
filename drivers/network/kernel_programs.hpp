// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "firmware/ports/enforcement.hpp"

namespace sekisho::drivers {

/// What judges or changes packets beside nf_tables on the links of the network namespace in which it is called:
/// queueing disciplines with a handle of somebody's (they alone can have filters), programs at tc's hooks without one
/// (tcx), XDP programs. The product uses none of them.
class KernelPrograms final : public ports::Bypasses {
public:
    Result<ports::Comparisons> compare() override;
    /// A program that is held by a link of its own (bpf_link) can't be taken away, and is an error.
    Result<void> remove() override;
};

} // namespace sekisho::drivers
