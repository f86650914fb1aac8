// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/base64.hpp"
#include "policy/base/text.hpp"
#include "policy/config/ssh_key.hpp"
#include "tests/unit/config/samples.hpp"
#include "tests/unit/config/text_check.hpp"

#include <initializer_list>

using namespace sekisho;
using namespace sekisho::config;
using namespace sekisho::test;

namespace {

std::string refused(std::string_view text) {
    const Canonical value = canonical_ssh_key(text);
    return value ? "accepted" : value.error().why;
}

std::string accepted(std::string_view text) {
    const Canonical value = canonical_ssh_key(text);
    return value ? *value : "refused: " + value.error().why;
}

/// A string of RFC 4251.
std::string field(std::string_view bytes) {
    std::string text;
    for (const unsigned shift : {24u, 16u, 8u, 0u}) {
        text += static_cast<char>(bytes.size() >> shift & 0xff);
    }
    return text + std::string(bytes);
}

std::string key(std::string_view type, std::string_view blob) {
    return text::concat(type, " ", base64::encode(blob));
}

std::string key(std::string_view type, std::initializer_list<std::string_view> fields) {
    std::string blob = field(type);
    for (const std::string_view one : fields) {
        blob += field(one);
    }
    return key(type, blob);
}

/// An odd number of that many bits in mpint form.
std::string odd(std::size_t bits) {
    std::string number((bits + 7) / 8, '\x55');
    number.front() = static_cast<char>(1u << (bits - 1) % 8);
    number.back() = static_cast<char>(number.back() | 1);
    return bits % 8 == 0 ? std::string(1, '\0') + number : number;
}

std::string point(std::size_t size) {
    return std::string(1, '\x04') + std::string(size - 1, 'p');
}

const std::string kKey(32, 'k');
constexpr std::string_view kThreeBytes("\x01\x00\x01", 3);
constexpr std::string_view kDamaged = "the key is damaged: its parts don't fill it exactly";

} // namespace

TEST_GROUP(ssh_key_accepted){};

TEST(ssh_key_accepted, as_ssh_keygen_writes_them) {
    for (const std::string_view one : {kEd25519, kEcdsa256, kEcdsa384, kEcdsa521, kRsa3072}) {
        CHECK_SAME(one, accepted(one));
        CHECK_SAME(text::concat(one, " tanaka@pc"), accepted(text::concat(one, " tanaka@pc")));
    }
}

TEST(ssh_key_accepted, of_security_keys) {
    const std::string ed25519 = key("sk-ssh-ed25519@openssh.com", {kKey, "ssh:"});
    const std::string ecdsa = key("sk-ecdsa-sha2-nistp256@openssh.com", {"nistp256", point(65), "ssh:clinic"});
    CHECK_SAME(ed25519, accepted(ed25519));
    CHECK_SAME(ecdsa, accepted(ecdsa));
}

TEST(ssh_key_accepted, blanks_make_no_difference) {
    std::string wide = "\t ";
    for (const char byte : kEd25519) {
        wide += byte == ' ' ? " \t " : std::string(1, byte);
    }
    CHECK_SAME(kEd25519, accepted(wide));
    CHECK_SAME(text::concat(kEd25519, " Tanaka,  3rd floor"), accepted(wide + "   Tanaka,  3rd floor \n"));
}

TEST(ssh_key_accepted, the_comment_is_no_part_of_the_key) {
    CHECK_SAME(kEd25519, ssh_key_without_comment(kEd25519));
    CHECK_SAME(kEd25519, ssh_key_without_comment(text::concat(kEd25519, " a b c")));
    CHECK_SAME(text::concat(kEd25519, " \xe7\x94\xb0\xe4\xb8\xad"),
               accepted(text::concat(kEd25519, " \xe7\x94\xb0\xe4\xb8\xad")));
}

TEST(ssh_key_accepted, rsa_from_3072_to_16384_bits) {
    CHECK_HOLDS("ssh-rsa AAAA", accepted(key("ssh-rsa", {kThreeBytes, odd(3072)})));
    CHECK_HOLDS("ssh-rsa AAAA", accepted(key("ssh-rsa", {"\x03", odd(3073)})));
    CHECK_HOLDS("ssh-rsa AAAA", accepted(key("ssh-rsa", {odd(64), odd(16384)})));
    CHECK_SAME("the RSA key has 3071 bits, and at least 3072 are wanted",
               refused(key("ssh-rsa", {kThreeBytes, odd(3071)})));
    CHECK_SAME("the RSA key has 16385 bits, and at most 16384 are wanted",
               refused(key("ssh-rsa", {kThreeBytes, odd(16385)})));
    CHECK_SAME("the RSA key has 2048 bits, and at least 3072 are wanted", refused(kRsa2048));
}

TEST_GROUP(ssh_key_refused){};

TEST(ssh_key_refused, a_private_key_is_not_quoted) {
    for (const std::string& text :
         {std::string(kPrivateSshKey), std::string(kPrivateKey), text::concat("\n", kPrivateSshKey, "\n"),
          std::string("-----BEGIN RSA PRIVATE KEY----- c2VjcmV0c2VjcmV0c2VjcmV0"),
          std::string("PuTTY-User-Key-File-3: ssh-ed25519 c2VjcmV0c2VjcmV0c2VjcmV0"),
          std::string("b3BlbnNzaC1rZXktdjEAAAAABG5vbmUc2VjcmV0c2VjcmV0c2VjcmV0")}) {
        const Canonical value = canonical_ssh_key(text);
        CHECK_FALSE(value.has_value());
        CHECK_SAME("this is a private key, and the public one is wanted", value.error().why);
        CHECK_FALSE(value.error().hint.contains(kPrivateBody));
    }
}

TEST(ssh_key_refused, nothing_is_quoted_that_could_be_one) {
    for (const std::string& text :
         {std::string(kPrivateBody), text::concat("ssh-ed25519 ", kPrivateBody),
          text::concat("ssh-ed25519 x ", kPrivateBody), text::concat(kPrivateBody, " ", kEd25519)}) {
        const Canonical value = canonical_ssh_key(text);
        CHECK_FALSE(value.has_value());
        CHECK_FALSE((value.error().why + value.error().hint).contains(kPrivateBody));
    }
}

TEST(ssh_key_refused, other_forms_of_public_keys) {
    CHECK_HOLDS("not in OpenSSH's form",
                refused("---- BEGIN SSH2 PUBLIC KEY ----\nComment: \"x\"\nAAAA\n---- END SSH2 PUBLIC KEY ----"));
    CHECK_HOLDS("not in OpenSSH's form", refused("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"));
    CHECK_HOLDS("an SSH certificate", refused("ssh-ed25519-cert-v01@openssh.com AAAA"));
    CHECK_HOLDS("DSA keys are too weak", refused("ssh-dss AAAA"));
}

TEST(ssh_key_refused, options_in_front) {
    for (const std::string_view options :
         {"restrict", "from=\"10.0.0.0/8\"", "command=\"sh -i\",no-pty", "cert-authority", "environment=\"A=b c\""}) {
        CHECK_HOLDS("something stands in front of the key", refused(text::concat(options, " ", kEd25519)));
    }
}

TEST(ssh_key_refused, what_is_no_key) {
    CHECK_HOLDS("does not begin with a type of key", refused(""));
    CHECK_HOLDS("does not begin with a type of key", refused("garbage"));
    CHECK_HOLDS("does not begin with a type of key", refused("SSH-ED25519 AAAA"));
    CHECK_HOLDS("does not begin with a type of key", refused("ssh-rsa2 AAAA"));
    CHECK_SAME("behind ssh-ed25519 the key itself is missing", refused("ssh-ed25519"));
    CHECK_SAME("behind ssh-ed25519 the key itself is missing", refused("ssh-ed25519  "));
    CHECK_HOLDS("is not base64", refused("ssh-ed25519 key"));
    CHECK_HOLDS("is not base64", refused(kEd25519.substr(0, kEd25519.size() - 1)));
    CHECK_SAME("the key is not of the type that stands in front of it, ssh-rsa",
               refused(text::concat("ssh-rsa ", kEd25519.substr(12))));
    CHECK_SAME("the key is not of the type that stands in front of it, sk-ssh-ed25519@openssh.com",
               refused(text::concat("sk-ssh-ed25519@openssh.com ", kEd25519.substr(12))));
}

TEST(ssh_key_refused, comments_that_can_not_be_shown) {
    CHECK_HOLDS("ssh-ed25519", accepted(text::concat(kEd25519, " ", std::string(255, 'c'))));
    CHECK_HOLDS("the comment", refused(text::concat(kEd25519, " ", std::string(256, 'c'))));
    for (const std::string_view comment : {"a\nssh-rsa AAAA", "a\x1b[2J", "a\x7f", "\xe2\x80\xaexyz", "\xff"}) {
        CHECK_HOLDS("the comment", refused(text::concat(kEd25519, " ", comment)));
    }
}

TEST(ssh_key_refused, cut_off_anywhere_or_with_more_behind) {
    for (const std::string_view one : {kEd25519, kEcdsa384}) {
        const std::size_t space = one.find(' ');
        const std::string blob = base64::decode(one.substr(space + 1)).value();
        for (std::size_t size = 1; size < blob.size(); ++size) {
            CHECK(refused(key(one.substr(0, space), blob.substr(0, size))) != "accepted");
        }
        CHECK_SAME(kDamaged, refused(key(one.substr(0, space), blob + '\0')));
        CHECK_SAME(kDamaged, refused(key(one.substr(0, space), blob + field(""))));
    }
}

TEST(ssh_key_refused, fields_of_other_lengths) {
    CHECK_SAME(kDamaged, refused(key("ssh-ed25519", {kKey.substr(1)})));
    CHECK_SAME(kDamaged, refused(key("ssh-ed25519", {kKey + "k"})));
    CHECK_SAME(kDamaged, refused(key("ssh-ed25519", {})));
    CHECK_SAME(kDamaged, refused(key("ecdsa-sha2-nistp256", {"nistp384", point(65)})));
    CHECK_SAME(kDamaged, refused(key("ecdsa-sha2-nistp256", {"nistp256", point(64)})));
    CHECK_SAME(kDamaged, refused(key("ecdsa-sha2-nistp256", {"nistp256", ""})));
    CHECK_SAME(kDamaged, refused(key("ecdsa-sha2-nistp256", {"nistp256", "\x02" + std::string(32, 'c')})));
    CHECK_SAME(kDamaged, refused(key("ecdsa-sha2-nistp521", {"nistp521", std::string(133, 'p')})));
    CHECK_SAME(kDamaged, refused(key("sk-ssh-ed25519@openssh.com", {kKey})));
    CHECK_SAME(kDamaged, refused(key("sk-ssh-ed25519@openssh.com", {kKey, ""})));
    CHECK_SAME(kDamaged, refused(key("sk-ssh-ed25519@openssh.com", {kKey, "ssh:\n"})));
    CHECK_SAME(kDamaged, refused(key("sk-ssh-ed25519@openssh.com", {kKey, "ssh:", ""})));
}

TEST(ssh_key_refused, numbers_that_no_rsa_key_has) {
    const std::string modulus = odd(3072);
    CHECK_HOLDS("ssh-rsa", accepted(key("ssh-rsa", {kThreeBytes, modulus})));
    const std::string even = modulus.substr(0, modulus.size() - 1) + "\x54";
    const std::string negative = modulus.substr(1);
    for (const std::string_view bad : {std::string_view(), std::string_view(even), std::string_view(negative)}) {
        CHECK_SAME(kDamaged, refused(key("ssh-rsa", {kThreeBytes, bad})));
    }
    CHECK_SAME(kDamaged, refused(key("ssh-rsa", {kThreeBytes, std::string(1, '\0') + modulus})));
    CHECK_SAME(kDamaged, refused(key("ssh-rsa", {kThreeBytes, std::string_view("\0", 1)})));
    CHECK_SAME(kDamaged, refused(key("ssh-rsa", {"\x01", modulus})));
    CHECK_SAME(kDamaged, refused(key("ssh-rsa", {odd(65), modulus})));
    CHECK_SAME(kDamaged, refused(key("ssh-rsa", {kThreeBytes})));
    CHECK_SAME(kDamaged, refused(key("ssh-rsa", {kThreeBytes, modulus, ""})));
}
