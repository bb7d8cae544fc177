//! Reads the cases of rules from text, and makes their edits. The form of the text is told in
//! `tests/rules/README.md`.

use serde_json::{Map, Value};

/// One case of one rule.
#[derive(Debug)]
pub struct Case {
    /// File and line, for the message of a failed test.
    pub place: String,
    /// The id of the rule.
    pub rule: String,
    /// What is edited.
    pub base: Base,
    /// The edits, in their order.
    pub edits: Vec<Edit>,
    /// What the rule says.
    pub verdict: Verdict,
}

/// What a case starts from.
#[derive(Clone, Debug, PartialEq)]
pub enum Base {
    /// The report of 2023.
    Housing,
    /// The report of 2019.
    Office,
    /// The report of 2023 with one of 2022 that it follows from: `report` and `last`.
    HousingYears,
    /// The report of 2019 made that of 2020, with that of 2019 before it.
    OfficeYears,
    /// A message of the package from its JSON.
    Message { name: String, json: Value },
}

/// One edit.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Puts a value at the path.
    Put(String, Value),
    /// Takes away what stands at the path: blanks a cell, removes a row or a table.
    Take(String),
}

/// What the rule of a case says.
#[derive(Debug)]
pub enum Verdict {
    /// The rule lets it pass; other rules may reject it.
    Passes,
    /// The rule rejects at exactly these paths.
    Rejects { at: Vec<String>, figures: Option<Figures> },
}

/// The figures of the first finding.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    pub expected: String,
    pub actual: String,
}

/// Reads all cases of a file. The error begins with file and line.
pub fn read(file: &str, text: &str) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    let mut rule: Option<String> = None;
    let mut open: Option<(Base, Vec<Edit>)> = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        let at = |why: String| format!("{file}:{}: {why}", index + 1);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(id) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            if open.is_some() {
                return Err(at("the case before is without a verdict".into()));
            }
            rule = Some(id.to_owned());
        } else if let Some(verdict) = verdict(line).map_err(at)? {
            let rule = rule.clone().ok_or_else(|| at("no rule above".into()))?;
            let (base, edits) = open.take().ok_or_else(|| at("no base above".into()))?;
            let place = format!("{file}:{}", index + 1);
            cases.push(Case { place, rule, base, edits, verdict });
        } else if let Some((_, edits)) = &mut open {
            edits.push(edit(line).map_err(at)?);
        } else {
            open = Some((base(line).map_err(at)?, Vec::new()));
        }
    }
    match open {
        None => Ok(cases),
        Some(_) => Err(format!("{file}: the last case is without a verdict")),
    }
}

/// `passes`, or `rejects at PATH [and PATH]…` and the figures; `(root)` is the message itself.
fn verdict(line: &str) -> Result<Option<Verdict>, String> {
    if line == "passes" {
        return Ok(Some(Verdict::Passes));
    }
    let Some(rest) = line.strip_prefix("rejects at ") else {
        return Ok(None);
    };
    let (paths, figures) = match rest.split_once(": ") {
        None => (rest, None),
        Some((paths, "no figures")) => (paths, Some(Figures::default())),
        Some((paths, told)) => {
            let figures = told
                .strip_prefix("expected ")
                .and_then(|t| t.split_once(", actual "))
                .ok_or("figures are written `expected X, actual Y`")?;
            let (expected, actual) = (figures.0.to_owned(), figures.1.to_owned());
            (paths, Some(Figures { expected, actual }))
        }
    };
    let at = paths
        .split(" and ")
        .map(|path| if path == "(root)" { "" } else { path }.to_owned())
        .collect();
    Ok(Some(Verdict::Rejects { at, figures }))
}

fn base(line: &str) -> Result<Base, String> {
    match line {
        "housing" => Ok(Base::Housing),
        "office" => Ok(Base::Office),
        "housing-years" => Ok(Base::HousingYears),
        "office-years" => Ok(Base::OfficeYears),
        _ => {
            let (name, json) = line.split_once(' ').unwrap_or((line, "{}"));
            let json = serde_json::from_str(json).map_err(|e| format!("JSON of {name}: {e}"))?;
            let name = name.to_owned();
            Ok(Base::Message { name, json })
        }
    }
}

fn edit(line: &str) -> Result<Edit, String> {
    if let Some(path) = line.strip_prefix('-') {
        return Ok(Edit::Take(path.trim().to_owned()));
    }
    let (path, text) =
        line.split_once('=').ok_or("neither `path = value`, `-path` nor a verdict")?;
    let (path, text) = (path.trim().to_owned(), text.trim());
    if text.is_empty() {
        return Ok(Edit::Take(path));
    }
    Ok(Edit::Put(path, value(text)?))
}

/// JSON; or JSON texts and lists repeated (`* 3`) and joined (` + `); or bare text.
fn value(text: &str) -> Result<Value, String> {
    if let Ok(json) = serde_json::from_str(text) {
        return Ok(json);
    }
    if !text.starts_with(['"', '[']) {
        return Ok(Value::String(text.to_owned()));
    }
    let mut whole: Option<Value> = None;
    for term in text.split(" + ") {
        let (json, times) = term.rsplit_once(" * ").unwrap_or((term, "1"));
        let bad = || format!("cannot read the value {text}");
        let times: usize = times.parse().map_err(|_| bad())?;
        let part = match serde_json::from_str(json).map_err(|_| bad())? {
            Value::String(text) => Value::String(text.repeat(times)),
            Value::Array(items) => Value::Array(vec![items; times].concat()),
            _ => return Err(bad()),
        };
        whole = Some(match (whole, part) {
            (None, part) => part,
            (Some(Value::String(a)), Value::String(b)) => Value::String(a + &b),
            (Some(Value::Array(a)), Value::Array(b)) => Value::Array([a, b].concat()),
            _ => return Err(bad()),
        });
    }
    whole.ok_or_else(|| format!("cannot read the value {text}"))
}

/// Makes one edit. To take away what is not there is an error: the case has outlived its base.
pub fn apply(json: &mut Value, edit: &Edit) -> Result<(), String> {
    let (path, put) = match edit {
        Edit::Put(path, value) => (path, Some(value)),
        Edit::Take(path) => (path, None),
    };
    let mut names: Vec<String> = path.split('.').map(json_name).collect();
    let last = names.pop().ok_or("an edit without a path")?;
    let mut place = json;
    for name in &names {
        place = fields(place, path)?.entry(name).or_insert_with(|| Value::Object(Map::new()));
    }
    let fields = fields(place, path)?;
    match put {
        Some(value) => {
            fields.insert(last, value.clone());
        }
        None => {
            fields.remove(&last).ok_or_else(|| format!("nothing stands at {path}"))?;
        }
    }
    Ok(())
}

fn fields<'a>(json: &'a mut Value, path: &str) -> Result<&'a mut Map<String, Value>, String> {
    json.as_object_mut().ok_or_else(|| format!("{path} leads through something that is no message"))
}

/// `disclosure_2019` → `disclosure2019`, `newly_received` → `newlyReceived`.
fn json_name(name: &str) -> String {
    let mut words = name.split('_');
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut chars = word.chars();
        out.extend(chars.next().map(|c| c.to_ascii_uppercase()));
        out.push_str(chars.as_str());
    }
    out
}
