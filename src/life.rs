//! The life of a report: which action leads from which state to which.
//!
//! [`EDGES`] is the one place that says so. The archive asks it inside each write; the docs are
//! printed from it.

use crate::form::Labelled;
use crate::pb::ReportAction;
use crate::pb::report::State;

/// From these states, by this action, to that one.
pub struct Edge {
    /// The action.
    pub action: ReportAction,
    /// Where it may be taken; `Unspecified` is a report that is not stored.
    pub from: &'static [State],
    /// Where it leads; `None` where the state stays as it is.
    pub to: Option<State>,
}

/// Every edge. An action that is not listed for a state is refused there.
pub const EDGES: &[Edge] = &[
    Edge { action: ReportAction::SaveDraft, from: &[State::Unspecified], to: Some(State::Draft) },
    Edge {
        action: ReportAction::SaveDraft,
        from: &[State::Draft, State::Returned, State::Amending],
        to: None,
    },
    Edge {
        action: ReportAction::Submit,
        from: &[State::Unspecified, State::Draft, State::Returned, State::Amending],
        to: Some(State::Submitted),
    },
    Edge {
        action: ReportAction::Return,
        from: &[State::Submitted, State::Accepted],
        to: Some(State::Returned),
    },
    Edge { action: ReportAction::Accept, from: &[State::Submitted], to: Some(State::Accepted) },
    Edge { action: ReportAction::Publish, from: &[State::Accepted], to: Some(State::Published) },
    Edge { action: ReportAction::Amend, from: &[State::Published], to: Some(State::Amending) },
    Edge {
        action: ReportAction::Void,
        from: &[
            State::Draft,
            State::Submitted,
            State::Returned,
            State::Accepted,
            State::Published,
            State::Amending,
        ],
        to: Some(State::Void),
    },
];

/// The state to which `action` leads from `state`; `None` where it may not be taken there.
pub fn next(state: State, action: ReportAction) -> Option<State> {
    let edge = EDGES.iter().find(|e| e.action == action && e.from.contains(&state))?;
    Some(edge.to.unwrap_or(state))
}

/// The edges as a table in Markdown, in both languages.
pub fn table() -> String {
    let word = |state: State| match state.as_str_name().trim_start_matches("STATE_") {
        "UNSPECIFIED" => "—".to_owned(),
        name => format!("{} `{name}`", state.zh()),
    };
    let mut out = String::from("| 动作 action | 从 from | 到 to |\n| --- | --- | --- |\n");
    for edge in EDGES {
        let from: Vec<String> = edge.from.iter().map(|&state| word(state)).collect();
        let to = edge.to.map_or_else(|| "不变 unchanged".to_owned(), word);
        let (zh, en) = (edge.action.zh(), edge.action.en());
        out.push_str(&format!("| {zh} {en} | {} | {to} |\n", from.join(", ")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 8] = [
        State::Unspecified,
        State::Draft,
        State::Submitted,
        State::Returned,
        State::Accepted,
        State::Published,
        State::Amending,
        State::Void,
    ];

    #[test]
    fn no_two_edges_compete() {
        for state in STATES {
            for edge in EDGES {
                let rivals = EDGES
                    .iter()
                    .filter(|e| e.action == edge.action && e.from.contains(&state))
                    .count();
                assert!(rivals <= 1, "{state:?} {:?}", edge.action);
            }
        }
    }

    #[test]
    fn void_is_the_end_and_every_stored_report_can_be_voided() {
        for edge in EDGES {
            assert_eq!(next(State::Void, edge.action), None);
        }
        for state in STATES.into_iter().skip(1).filter(|&state| state != State::Void) {
            assert_eq!(next(state, ReportAction::Void), Some(State::Void));
        }
    }

    #[test]
    fn drafts_are_saved_only_where_a_report_is_open() {
        let open: Vec<State> =
            STATES.into_iter().filter(|&s| next(s, ReportAction::SaveDraft).is_some()).collect();
        let expected = [State::Unspecified, State::Draft, State::Returned, State::Amending];
        assert_eq!(open, expected);
        assert_eq!(next(State::Amending, ReportAction::SaveDraft), Some(State::Amending));
    }
}
