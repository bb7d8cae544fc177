//! The demo, as a newcomer starts it.

use crate::cli::nianbao;

#[test]
fn tells_the_story_to_its_end() {
    let told = nianbao(&["demo"]);
    assert_eq!((told.code, told.err.as_str()), (0, ""));
    for line in [
        "读出 200/200 个单元格",
        "表三·（四）无法提供·1.本机关不掌握相关政府信息·自然人：51 → 50",
        "表三·（七）总计·自然人",
        "[REPORT_HAS_ERRORS]",
        "表三·（四）无法提供·1.本机关不掌握相关政府信息·自然人：50 → 51",
        "已提交 organs/shili-zhujian/reports/2023-own",
        "已退回，版本 1，回执 ",
        "自然人：请与办理台账核对",
        "已接收，版本 2，回执 ",
        "已退回 → 已提交",
        "应报 4，已汇总 3，缺报 1",
        "缺报：示例市卫生健康委员会",
        "13 条写入完好，回执所指的一条就在其中",
        "grpcurl -plaintext",
    ] {
        assert!(told.out.contains(line), "{line}\n{}", told.out);
    }
    assert!(!told.out.contains('\u{1b}'), "no colours where nobody looks");
}

#[test]
fn tells_the_story_in_english() {
    let told = nianbao(&["demo", "--lang", "en"]);
    assert_eq!((told.code, told.err.as_str()), (0, ""));
    for line in
        ["Step 1", "the report has 2 errors", "4 expected, 3 included, 1 missing", "are sound"]
    {
        assert!(told.out.contains(line), "{line}\n{}", told.out);
    }
}
