// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/model/sensitive_ports.hpp"

#include <array>

namespace sekisho::model {

namespace {

// IANA's registry of service names and ports, and the vendors' documentation for ports that are customary without
// registration.
constexpr std::array kSensitivePorts{
    SensitivePort{{22, 22}, Transport::tcp, "SSH"},
    SensitivePort{{23, 23}, Transport::tcp, "Telnet"},
    SensitivePort{{104, 104}, Transport::tcp, "DICOM"},
    SensitivePort{{137, 138}, Transport::udp, "Windows file sharing (NetBIOS)"},
    SensitivePort{{139, 139}, Transport::tcp, "Windows file sharing (NetBIOS)"},
    SensitivePort{{445, 445}, Transport::tcp_and_udp, "Windows file sharing (SMB)"},
    SensitivePort{{1433, 1434}, Transport::tcp_and_udp, "Microsoft SQL Server"},
    SensitivePort{{1521, 1521}, Transport::tcp, "Oracle Database"},
    SensitivePort{{2575, 2575}, Transport::tcp, "HL7"},
    SensitivePort{{2761, 2762}, Transport::tcp, "DICOM with TLS"},
    SensitivePort{{3306, 3306}, Transport::tcp, "MySQL"},
    SensitivePort{{3389, 3389}, Transport::tcp_and_udp, "Remote Desktop (RDP)"},
    SensitivePort{{4242, 4242}, Transport::tcp, "DICOM"},
    SensitivePort{{5432, 5432}, Transport::tcp, "PostgreSQL"},
    SensitivePort{{5900, 5999}, Transport::tcp, "VNC"},
    SensitivePort{{5985, 5986}, Transport::tcp, "Windows Remote Management (WinRM)"},
    SensitivePort{{6379, 6379}, Transport::tcp, "Redis"},
    SensitivePort{{11112, 11112}, Transport::tcp, "DICOM"},
    SensitivePort{{27017, 27017}, Transport::tcp, "MongoDB"},
    SensitivePort{{50000, 50000}, Transport::tcp, "IBM Db2"},
};

[[nodiscard]] bool carries(Transport transport, Protocol protocol) noexcept {
    return (protocol == Protocol::tcp && transport != Transport::udp) ||
           (protocol == Protocol::udp && transport != Transport::tcp);
}

} // namespace

std::span<const SensitivePort> sensitive_ports() noexcept {
    return kSensitivePorts;
}

const SensitivePort* find_sensitive(Protocol protocol, PortRange ports) noexcept {
    for (const SensitivePort& row : kSensitivePorts) {
        if (carries(row.transport, protocol) && row.ports.first <= ports.last && ports.first <= row.ports.last) {
            return &row;
        }
    }
    return nullptr;
}

} // namespace sekisho::model
