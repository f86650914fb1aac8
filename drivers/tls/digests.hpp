// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/radius/packet.hpp"

namespace sekisho::drivers {

/// The digests of RADIUS, by mbedTLS.
[[nodiscard]] radius::Digests radius_digests();

} // namespace sekisho::drivers
