//! The indicators: ratios of sums, defined here and nowhere else.

use std::sync::LazyLock;

use super::row::Totals;
use crate::form::CELLS;
use crate::pb::Indicator;

/// The places of a value behind its point.
const PLACES: usize = 4;
/// So many of its smallest units are a whole.
const WHOLE: i128 = 10_000;

/// An indicator: the sum of some cells by the sum of others.
struct Definition {
    id: &'static str,
    zh: &'static str,
    en: &'static str,
    numerator: &'static [&'static str],
    denominator: &'static [&'static str],
    /// Taken away from the denominator.
    without: &'static [&'static str],
}

/// The cells of newly received requests, of which each column has its share.
const RECEIVED: &[&str] = &["requests.newly_received.total"];

/// In the order in which they are served.
const DEFINITIONS: &[Definition] = &[
    Definition {
        id: "disclosure_rate",
        zh: "公开率（予以公开与部分公开占办理结果）",
        en: "disclosure rate (granted and partially granted by all results)",
        numerator: &["requests.granted.total", "requests.partially_granted.total"],
        denominator: &["requests.total_processed.total"],
        without: &[],
    },
    Definition {
        id: "carried_over_share",
        zh: "结转下年占比（占本年新收与上年结转）",
        en: "share carried over (of newly received and carried in)",
        numerator: &["requests.carried_out.total"],
        denominator: &["requests.newly_received.total", "requests.carried_in.total"],
        without: &[],
    },
    Definition {
        id: "reconsideration_correction_rate",
        zh: "行政复议纠错率（结果纠正占已审结）",
        en: "reconsideration correction rate (corrected by concluded)",
        numerator: &["disputes.reconsideration.corrected"],
        denominator: &["disputes.reconsideration.total"],
        without: &["disputes.reconsideration.pending"],
    },
    Definition {
        id: "litigation_loss_rate",
        zh: "行政诉讼败诉率（结果纠正占已审结）",
        en: "litigation loss rate (corrected by concluded)",
        numerator: &[
            "disputes.litigation_direct.corrected",
            "disputes.litigation_after_reconsideration.corrected",
        ],
        denominator: &[
            "disputes.litigation_direct.total",
            "disputes.litigation_after_reconsideration.total",
        ],
        without: &[
            "disputes.litigation_direct.pending",
            "disputes.litigation_after_reconsideration.pending",
        ],
    },
    Definition {
        id: "applicant_share.natural_person",
        zh: "自然人申请占比",
        en: "share of natural persons among newly received requests",
        numerator: &["requests.newly_received.natural_person"],
        denominator: RECEIVED,
        without: &[],
    },
    Definition {
        id: "applicant_share.business",
        zh: "商业企业申请占比",
        en: "share of businesses among newly received requests",
        numerator: &["requests.newly_received.business"],
        denominator: RECEIVED,
        without: &[],
    },
    Definition {
        id: "applicant_share.research",
        zh: "科研机构申请占比",
        en: "share of research institutions among newly received requests",
        numerator: &["requests.newly_received.research"],
        denominator: RECEIVED,
        without: &[],
    },
    Definition {
        id: "applicant_share.public_interest",
        zh: "社会公益组织申请占比",
        en: "share of public interest organisations among newly received requests",
        numerator: &["requests.newly_received.public_interest"],
        denominator: RECEIVED,
        without: &[],
    },
    Definition {
        id: "applicant_share.legal_service",
        zh: "法律服务机构申请占比",
        en: "share of legal services among newly received requests",
        numerator: &["requests.newly_received.legal_service"],
        denominator: RECEIVED,
        without: &[],
    },
    Definition {
        id: "applicant_share.other_organization",
        zh: "其他组织申请占比",
        en: "share of other organisations among newly received requests",
        numerator: &["requests.newly_received.other_organization"],
        denominator: RECEIVED,
        without: &[],
    },
];

/// A definition with the places of its cells.
struct Placed {
    definition: &'static Definition,
    numerator: Vec<usize>,
    denominator: Vec<usize>,
    without: Vec<usize>,
}

static PLACED: LazyLock<Vec<Placed>> = LazyLock::new(|| {
    let places = |paths: &[&str]| {
        paths.iter().filter_map(|path| CELLS.iter().position(|cell| cell.path == *path)).collect()
    };
    let placed = |definition: &'static Definition| Placed {
        definition,
        numerator: places(definition.numerator),
        denominator: places(definition.denominator),
        without: places(definition.without),
    };
    DEFINITIONS.iter().map(placed).collect()
});

/// The indicators of a sum.
pub(super) fn indicators(totals: &Totals) -> Vec<Indicator> {
    let sum = |cells: &[usize]| cells.iter().map(|&cell| totals.sum(cell)).sum::<Option<i128>>();
    let of = |placed: &Placed| {
        let numerator = sum(&placed.numerator);
        let gross = sum(&placed.denominator).zip(sum(&placed.without));
        let denominator = gross.map(|(gross, without)| gross - without);
        Indicator {
            id: placed.definition.id.to_owned(),
            label_zh: placed.definition.zh.to_owned(),
            label_en: placed.definition.en.to_owned(),
            numerator: numerator.map(|number| number.to_string()),
            denominator: denominator.map(|number| number.to_string()),
            value: numerator.zip(denominator).and_then(|(above, below)| ratio(above, below)),
        }
    };
    PLACED.iter().map(of).collect()
}

/// Rounded half up; `None` by what is not above zero.
fn ratio(above: i128, below: i128) -> Option<String> {
    if below <= 0 {
        return None;
    }
    let units = (2 * WHOLE * above + below).div_euclid(2 * below);
    let sign = if units < 0 { "-" } else { "" };
    let (whole, rest) = (units.abs() / WHOLE, units.abs() % WHOLE);
    Some(format!("{sign}{whole}.{rest:0PLACES$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_of_a_definition_is_one_of_the_form() {
        for placed in &*PLACED {
            let definition = placed.definition;
            for (paths, places) in [
                (definition.numerator, &placed.numerator),
                (definition.denominator, &placed.denominator),
                (definition.without, &placed.without),
            ] {
                assert_eq!(paths.len(), places.len(), "{}: {paths:?}", definition.id);
            }
        }
    }

    #[test]
    fn a_ratio_is_rounded_half_up_to_four_places() {
        for (above, below, value) in [
            (1, 3, Some("0.3333")),
            (2, 3, Some("0.6667")),
            (1, 20_000, Some("0.0001")),
            (1, 20_001, Some("0.0000")),
            (5, 4, Some("1.2500")),
            (0, 7, Some("0.0000")),
            (-1, 3, Some("-0.3333")),
            (1, 0, None),
            (1, -1, None),
        ] {
            assert_eq!(ratio(above, below).as_deref(), value, "{above}/{below}");
        }
    }
}
