//! Plain HTTP, as a browser on this host would ask.

use std::time::Duration;

use serde_json::Value;

/// Status and body of a GET; `None` when nothing answers.
pub fn get(url: &str) -> Option<(u16, String)> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into();
    let mut response = agent.get(url).call().ok()?;
    let status = response.status().as_u16();
    let body = response.body_mut().read_to_string().ok()?;
    Some((status, body))
}

/// A header of the answer to a GET that a page of another site makes; empty when it is not there.
pub fn foreign_header(url: &str, name: &str) -> String {
    let answer = ureq::get(url)
        .header("origin", "http://elsewhere.example")
        .call();
    let answer = answer.expect("the answer to another site's page");
    let value = answer.headers().get(name);
    value.map_or_else(String::new, |value| {
        value.to_str().unwrap_or("?").to_owned()
    })
}

/// The JSON of a successful answer.
pub fn get_json(url: &str) -> Option<Value> {
    let (status, body) = get(url)?;
    if status != 200 {
        return None;
    }
    serde_json::from_str(&body).ok()
}
