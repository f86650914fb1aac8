// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/lifecycle/sentences.hpp"

#include "policy/base/text.hpp"

namespace sekisho::lifecycle {

namespace {

using text::concat;
using text::escape_for_terminal;

/// The texts and dates of a record that sentences are made of; empty where there is no record.
struct Words {
    std::string promiser;
    std::string product;
    std::string version;
    std::string full_end;
    std::string security_end;
    std::string life_end;
    std::string last_updated;
    std::string available;
};

std::string shown_moment(const std::optional<Moment>& moment, int offset_minutes) {
    if (!moment) {
        return {};
    }
    return moment->time ? shown_time(*moment->time, offset_minutes) : "tba";
}

Words words_of(const RecordOrCause& record, int offset_minutes) {
    if (!record || !*record) {
        return {};
    }
    const SupportRecord& found = **record;
    return {.promiser = escape_for_terminal(found.promised_by),
            .product = escape_for_terminal(found.product),
            .version = escape_for_terminal(found.version),
            .full_end = shown_moment(found.end_of_full_support, offset_minutes),
            .security_end = shown_moment(found.core.end_of_security_support, offset_minutes),
            .life_end = shown_moment(found.core.end_of_life, offset_minutes),
            .last_updated = shown_moment(found.core.last_updated, offset_minutes),
            .available = shown_moment(found.core.general_availability, offset_minutes)};
}

std::string cause_of(const RecordOrCause& record) {
    if (!record) {
        return escape_for_terminal(record.error().message());
    }
    const auto checked = *record ? check(**record) : Result<void>();
    return checked ? std::string() : escape_for_terminal(checked.error().message());
}

Sentence why_promised(const Words& words, Reason reason) {
    if (reason == Reason::security_fixes_only) {
        return {concat("Full support ended at ", words.full_end, "; ", words.promiser,
                       " promises security fixes until ", words.security_end, "."),
                concat("通常のサポートは ", words.full_end, " に終了しました。", words.promiser, " が ",
                       words.security_end, " までセキュリティ修正を約束しています。")};
    }
    if (words.full_end.empty()) {
        return {concat(words.promiser, " promises full support until ", words.security_end, "."),
                concat(words.promiser, " が ", words.security_end, " までサポートを約束しています。")};
    }
    return {concat(words.promiser, " promises full support until ", words.full_end, ", and security fixes until ",
                   words.security_end, "."),
            concat(words.promiser, " が ", words.full_end, " まで通常のサポートを、", words.security_end,
                   " までセキュリティ修正を約束しています。")};
}

Sentence why_ended(const Words& words, Reason reason) {
    if (reason == Reason::life_ended) {
        return {concat("The product's life ended at ", words.life_end, "."),
                concat("製品は ", words.life_end, " に終了しました。")};
    }
    Sentence sentence{concat("Security support ended at ", words.security_end, "."),
                      concat("セキュリティサポートは ", words.security_end, " に終了しました。")};
    if (words.life_end != words.security_end) {
        sentence.english +=
            concat(" The end of life is another date (", words.life_end, "), but no security fixes are promised.");
        sentence.japanese +=
            concat("製品の終了日は別の日付(", words.life_end, ")ですが、セキュリティ修正は約束されていません。");
    }
    return sentence;
}

Sentence why_unknown(const Words& words, const Status& status, const RecordOrCause& record, const Product& product) {
    switch (status.reason) {
    case Reason::no_record:
        return {"This image has no support record: nobody promises support for it.",
                "このイメージにはサポート記録がなく、サポートを約束している者がいません。"};
    case Reason::record_unusable:
        return {concat("The support record can't be used: ", cause_of(record), "."),
                concat("サポート記録を使用できません: ", cause_of(record), "。")};
    case Reason::nobody_promises:
        return {"The support record names nobody who promises the support.",
                "サポート記録に、サポートを約束する者の名前がありません。"};
    case Reason::other_product:
        return {
            concat("The support record is for ", words.product, ", not for ", escape_for_terminal(product.name), "."),
            concat("サポート記録は ", words.product, " のもので、", escape_for_terminal(product.name),
                   " のものではありません。")};
    case Reason::other_version:
        return {concat("The support record is for version ", words.version, ", not for ",
                       escape_for_terminal(product.version), "."),
                concat("サポート記録はバージョン ", words.version, " のもので、", escape_for_terminal(product.version),
                       " のものではありません。")};
    case Reason::clock_unsynchronised:
        return {"The clock is not synchronised, so no date can be judged.",
                "時計が同期していないため、日付を判定できません。"};
    case Reason::clock_behind:
        return {"The clock is behind a time that was recorded before, so no date can be judged.",
                "時計が以前に記録された時刻より遅れているため、日付を判定できません。"};
    case Reason::before_last_update:
        return {concat("The clock is before ", words.last_updated,
                       ", when the support record was written: one of the two is wrong."),
                concat("時計がサポート記録の更新日時 ", words.last_updated,
                       " より前です。時計か記録のどちらかが誤っています。")};
    case Reason::not_available_yet:
        return {concat("The support record says that this version is not available before ", words.available, "."),
                concat("サポート記録によると、このバージョンの提供開始は ", words.available, " です。")};
    case Reason::availability_not_stated:
        return {"The support record does not say yet when this version becomes available (tba).",
                "サポート記録に、このバージョンの提供開始日がまだ定められていません(tba)。"};
    case Reason::security_end_not_stated:
        return {"The support record does not say yet when security support ends (tba).",
                "サポート記録に、セキュリティサポートの終了日がまだ定められていません(tba)。"};
    case Reason::life_end_not_stated:
        return {"The support record does not say yet when the product's life ends (tba).",
                "サポート記録に、製品の終了日がまだ定められていません(tba)。"};
    case Reason::full_support:
    case Reason::security_fixes_only:
    case Reason::security_support_ended:
    case Reason::life_ended:
        break; // reasons of what is known
    }
    return {};
}

/// Whom or what to turn to where nothing is known.
Sentence advice_unknown(const Words& words, Reason reason) {
    switch (reason) {
    case Reason::clock_unsynchronised:
    case Reason::clock_behind:
        return {"Check that the router reaches its time servers (show system).",
                "ルータが時刻サーバに接続できるか確認してください(show system)。"};
    case Reason::before_last_update:
    case Reason::not_available_yet:
        return {
            concat("Check the clock (show system); if it is right, ask ", words.promiser, "."),
            concat("時計を確認してください(show system)。正しい場合は ", words.promiser, " にお問い合わせください。")};
    case Reason::availability_not_stated:
    case Reason::security_end_not_stated:
    case Reason::life_end_not_stated:
        return {concat("Ask ", words.promiser, " for the dates."),
                concat("日付を ", words.promiser, " にお問い合わせください。")};
    case Reason::no_record:
    case Reason::record_unusable:
    case Reason::nobody_promises:
    case Reason::other_product:
    case Reason::other_version:
        return {"Ask whoever built or supplied this image until when there are security fixes for it.",
                "セキュリティ修正がいつまで提供されるか、このイメージの作成者または販売者にお問い合わせください。"};
    case Reason::full_support:
    case Reason::security_fixes_only:
    case Reason::security_support_ended:
    case Reason::life_ended:
        break; // reasons of what is known
    }
    return {};
}

Sentence advice_near(const Words& words, std::int64_t days) {
    const std::string number = text::to_text_signed(days);
    return {concat("Security support ends in ", days == 0 ? "less than a day" : number, days == 0 ? "" : " day",
                   days > 1 ? "s" : "", ", at ", words.security_end, ". Ask ", words.promiser,
                   " about a newer version or a replacement."),
            concat("セキュリティサポートは残り", days == 0 ? "1日未満" : number, days == 0 ? "" : "日", "、",
                   words.security_end, " に終了します。新しいバージョンまたは後継機について ", words.promiser,
                   " にお問い合わせください。")};
}

} // namespace

std::string shown_time(Time time, int offset_minutes) {
    const std::string text = rfc3339_offset(time, offset_minutes);
    const std::size_t letter = text.find('T');
    // seconds are enough for people, and the offset stands behind them
    return concat(text.substr(0, letter), " ", text.substr(letter + 1, text.find('.') - letter - 1), " ",
                  text.substr(text.find('.') + 7));
}

Sentence why(const Status& status, const RecordOrCause& record, const Product& product, int offset_minutes) {
    const Words words = words_of(record, offset_minutes);
    switch (status.status) {
    case SupportStatus::supported:
    case SupportStatus::security_only:
        return why_promised(words, status.reason);
    case SupportStatus::ended:
        return why_ended(words, status.reason);
    case SupportStatus::unknown:
        break;
    }
    return why_unknown(words, status, record, product);
}

Sentence advice(const Status& status, const RecordOrCause& record, int offset_minutes) {
    const Words words = words_of(record, offset_minutes);
    switch (status.warning) {
    case Warning::none:
        return {};
    case Warning::within_365_days:
    case Warning::within_180_days:
    case Warning::within_90_days:
    case Warning::within_30_days:
        return advice_near(words, status.days_left.value_or(0));
    case Warning::ended:
        return {concat(status.why.english, " Ask ", words.promiser, " for a newer version or a replacement."),
                concat(status.why.japanese, "新しいバージョンまたは後継機について ", words.promiser,
                       " にお問い合わせください。")};
    case Warning::unknown:
        break;
    }
    const Sentence todo = advice_unknown(words, status.reason);
    return {concat(status.why.english, " ", todo.english), concat(status.why.japanese, todo.japanese)};
}

std::string greeting(const Status& status, const RecordOrCause& record, const Product& product, int offset_minutes) {
    const Words words = words_of(record, offset_minutes);
    std::string text = concat(escape_for_terminal(product.name), " ", escape_for_terminal(product.version),
                              ", support: ", name_of(status.status));
    if (status.status == SupportStatus::supported || status.status == SupportStatus::security_only) {
        text += concat(" until ", status.changes_at ? shown_time(*status.changes_at, offset_minutes) : std::string());
    }
    text += '\n';
    const Sentence todo = advice(status, record, offset_minutes);
    if (!todo.english.empty()) {
        text += concat("Warning: ", todo.english, "\n注意: ", todo.japanese, "\n");
    }
    return text;
}

} // namespace sekisho::lifecycle
