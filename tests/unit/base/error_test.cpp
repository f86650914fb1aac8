// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/error.hpp"

#include <cerrno>
#include <memory>

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

Result<int> fail_with(std::string place) {
    return std::unexpected(Error(Domain::kernel, std::move(place), "no buffer space", ENOBUFS));
}

Result<int> add_one(Result<int> from, bool& went_on) {
    const int value = TRY(std::move(from));
    went_on = true;
    return value + 1;
}

Result<std::unique_ptr<int>> pass_on(Result<std::unique_ptr<int>> from) {
    return TRY(std::move(from));
}

Result<void> run_step(Result<void> step, int& steps) {
    TRY(std::move(step));
    ++steps;
    return {};
}

} // namespace

TEST_GROUP(error){};

TEST(error, names_domain_place_and_cause) {
    CHECK_EQUAL(std::string("storage: clinic.conf: is too large"),
                Error(Domain::storage, "clinic.conf", "is too large").message());
    CHECK_EQUAL(std::string("control: closed"), Error(Domain::control, "", "closed").message());
}

TEST(error, gathers_context_from_the_inside_out) {
    const Error error = fail_with("al_emr_4").error().in("load sets").in("apply");
    CHECK_EQUAL(std::string("kernel: apply: load sets: al_emr_4: no buffer space"), error.message());
    CHECK_EQUAL(std::string("al_emr_4"), error.place());
    CHECK_EQUAL(ENOBUFS, error.number());
}

TEST(error, from_the_operating_system_says_what_its_number_means) {
    const Error error = Error::from_errno(Domain::storage, "/data", "open", ENOENT);
    CHECK_EQUAL(std::string("storage: /data: open: No such file or directory"), error.message());
    CHECK_EQUAL(ENOENT, error.number());
}

TEST(error, with_an_unknown_number_still_has_a_text) {
    CHECK_EQUAL(std::string("storage: open: unknown error"),
                Error::from_errno(Domain::storage, "", "open", 99'999).message());
}

TEST_GROUP(result){};

TEST(result, that_holds_a_value_lets_the_caller_go_on) {
    bool went_on = false;
    CHECK_EQUAL(42, add_one(41, went_on).value());
    CHECK_TRUE(went_on);
}

TEST(result, that_holds_an_error_returns_from_the_caller_at_once) {
    bool went_on = false;
    const Result<int> outcome = add_one(fail_with("set"), went_on);
    CHECK_FALSE(outcome.has_value());
    CHECK_FALSE(went_on);
    CHECK_EQUAL(std::string("kernel: set: no buffer space"), outcome.error().message());
}

TEST(result, of_something_that_can_only_be_moved_is_moved) {
    const Result<std::unique_ptr<int>> outcome = pass_on(std::make_unique<int>(7));
    CHECK_EQUAL(7, *outcome.value());
}

TEST(result, without_a_value_is_tried_all_the_same) {
    int steps = 0;
    CHECK_TRUE(run_step({}, steps).has_value());
    CHECK_FALSE(run_step(std::unexpected(Error(Domain::time, "", "too late")), steps).has_value());
    CHECK_EQUAL(1, steps);
}
