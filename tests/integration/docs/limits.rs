//! The limits as `GetServerInfo` serves them.

use std::fmt::Write;

use super::Language;

/// All limits as a table.
pub fn table(language: Language) -> String {
    let head = language.of("| limit | value | unit | of what |", "| 限额 | 数值 | 单位 | 说明 |");
    let mut out = format!("{head}\n| --- | ---: | --- | --- |\n");
    for limit in nianbao::limits::all() {
        let text = language.of(&limit.text_en, &limit.text_zh);
        writeln!(out, "| `{}` | {} | {} | {text} |", limit.name, limit.value, limit.unit).unwrap();
    }
    out
}
