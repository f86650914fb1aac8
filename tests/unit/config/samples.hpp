// SPDX-License-Identifier: GPL-2.0-or-later
// Keys that ssh-keygen and certificates that openssl made for these tests; their private halves are gone.
#pragma once

#include <string_view>

namespace sekisho::test {

inline constexpr std::string_view kEd25519 =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKaidEtwpI3WVzashuJbtLjKd/oZoMFQZsIoggDlVfCO";

inline constexpr std::string_view kEcdsa256 =
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBFj5SMBa1etJfGaOS834trxJF+EJ"
    "RibgkfMiU5+2Ob2t1UkCwoelqRlRkqzQ396TeXvA8Ottg4ekJJbclMWXNHU=";

inline constexpr std::string_view kEcdsa384 =
    "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBDBGiZCh5cAHihlhNA5rvIayCMTe"
    "TL294s4iv2B0S9ZTeCsHaebttx3ivi3CXyPRgsbV4bSojkIjGBzZE0WRLbfj8DZVZCWVUH1jl8jAovht+KHRn7g3E3AnC/1th6cf"
    "1A==";

inline constexpr std::string_view kEcdsa521 =
    "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAD7k3BAHwZx7e0HVkPc1m8s0dFS"
    "qgi8S9hQR8DXLvEURMt986BZYATE1Da+5PacI1Xt/Gnvb+NukoW9l3fHjFK4dQA8VHDKmOfGWdG73B3EDWwyS4SUy+duCwgC/SR5"
    "gnbHFJOSwCHPpMdIcq3QlzTA9/PqgNLNA/LMoLksrCd+aY8qsg==";

inline constexpr std::string_view kRsa3072 =
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQCc/LBCyl5/+a0rgHezC4IIzj1Cvw6TF/wRntTTGS1T4s2QuQoz3WNsHktE6xEX"
    "gQ/PTbtPnUvOx1utfcp4nVch7MjTcnox92GkG1qAxuI0kCno1s2RITBSEGKo2jr1t8+P+frM5ZXZlbMp3W0bpF2iuC/9G3i+h5En"
    "3tegiO0s/28AzijxbS3dmMiAxx79QhLRz34rBF7pBmc9+YYhN5wwHjhzk+pRgd4Drvy/54lzz+ghrkYiuWKKydL5E+4kuVbluDv1"
    "MpXfMsdjVVx+VnIgdNbfYEgF7o+l9eaJ0BfgRuzG4nf4ZZNbzGj/LsHnqDyfd5uCVILvkCxQyfuQSFk8EIVovmVo2fPHD9SQ6sIy"
    "ESTbbNgb8MqhNe1YnmA5NsvHNBPRNC5QRNWuKj767S7bd1kAv3odX8tVfhjXP5ln4tHmcretCXuPqJb4IQ1TVQdZ0hN88S8D20sp"
    "Mox+j7Iwhj53Qn12bZEq78j+cAuFLbycs9tCIukYE89ZbOqqLg8=";

inline constexpr std::string_view kRsa2048 =
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDDktsvzSrQYgq7wNtF+3BGGNZ1zXvI0an/yQYE4+AtyMbF8W+pzZD3rO4x7YNy"
    "xOEzQAvrABMfSifsCCYt01b9KAigG4iC7GC5/y6/O2yrzWLe/Dzp2w12zJNGC/HjtpSZzOCsX50/ie/53izUtBmlKOPYH2rtpKrr"
    "gjpTsXlOw1fed7Grqir2FI7PS4kUziDGiNJxbJR8Ed/cY0MepP2zGSMaihiy5BxQPomnHXm++sM+cQBZUAQFVQjQXS1YaEuphXy+"
    "bETHGbsG9JOocUuklTdC6CZtAvJSV8dcUy0CkVER5EJQ260vEIPCWJvV3SEHPQmehk9EgQja/JwW6xp7";

/// ECDSA, P-256: the authority that tests configure.
inline constexpr std::string_view kCertificate = "-----BEGIN CERTIFICATE-----\n"
                                                 "MIIBiDCCAS2gAwIBAgIUch07qmX5WrZKYKFyN7NkxwN5dWIwCgYIKoZIzj0EAwIw\n"
                                                 "GDEWMBQGA1UEAwwNbG9nIGF1dGhvcml0eTAgFw0yNjExMjQxMTE3MzNaGA8yMTI2\n"
                                                 "MTAzMTExMTczM1owGDEWMBQGA1UEAwwNbG9nIGF1dGhvcml0eTBZMBMGByqGSM49\n"
                                                 "AgEGCCqGSM49AwEHA0IABJE+r0ttZ2CjwEMEJd2b38QrN+4RKY2fwivTFp43lBpa\n"
                                                 "Dsbj0dghRH2hTnPYcBcqTwjsHbIRCbKb/pfFBAf8+M+jUzBRMB0GA1UdDgQWBBRG\n"
                                                 "czif6FAveVs7LS1Bc7NWg1vqZTAfBgNVHSMEGDAWgBRGczif6FAveVs7LS1Bc7NW\n"
                                                 "g1vqZTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDN5U9AUhpm\n"
                                                 "r2RQwZTkyOMEfieGJ4qeWFnAGzUe5dzOcwIhANDbFaFKuIr1HuQUHa+I3hSI4R7l\n"
                                                 "f93UZz/XNTgTdY6H\n"
                                                 "-----END CERTIFICATE-----";
/// As `openssl x509 -fingerprint -sha256` says.
inline constexpr std::string_view kFingerprint =
    "29:DE:AF:91:DC:BB:FD:87:18:5A:D6:D3:AA:3E:CC:B8:88:77:89:CB:E8:06:B1:23:F4:EA:3F:2D:F3:CB:7F:60";

/// Ed25519.
inline constexpr std::string_view kOtherCertificate =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBMjCB5aADAgECAhQGUfGmsaa35H6WnNNNoRESQ08ouDAFBgMrZXAwDjEMMAoG\n"
    "A1UEAwwDbG9nMCAXDTI2MTEyNDExMTczM1oYDzIxMjYxMDMxMTExNzMzWjAOMQww\n"
    "CgYDVQQDDANsb2cwKjAFBgMrZXADIQDLzUgCza6lc1deAowJY4T1BMtUxvgvKre1\n"
    "gqGtzKs2NaNTMFEwHQYDVR0OBBYEFBLbDw8aYl2lKigspqQIdxKW03/KMB8GA1Ud\n"
    "IwQYMBaAFBLbDw8aYl2lKigspqQIdxKW03/KMA8GA1UdEwEB/wQFMAMBAf8wBQYD\n"
    "K2VwA0EAk8b/26ZLu8L5CYbV5sjeWYA5xSotp5yAQR3nsSz3K6N0VtsN2cUNmFJW\n"
    "oEZjsSO+ZDiF6vgonsLTu7gNPJwtCw==\n"
    "-----END CERTIFICATE-----";

/// In the frame of a private key, without being one: what nobody may ever see in a message.
inline constexpr std::string_view kPrivateBody = "c2VjcmV0c2VjcmV0c2VjcmV0";
inline constexpr std::string_view kPrivateKey =
    "-----BEGIN PRIVATE KEY-----\nc2VjcmV0c2VjcmV0c2VjcmV0\nc2VjcmV0c2VjcmV0c2VjcmV0\n-----END PRIVATE KEY-----";
inline constexpr std::string_view kPrivateSshKey =
    "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0c2VjcmV0c2VjcmV0\n-----END OPENSSH PRIVATE KEY-----";

} // namespace sekisho::test
