//! `/api/v1/rules`, `/api/v1/alerts`, `/api/v1/alertmanagers`: empty while no rule is loaded and nobody is notified.

use crate::app::App;
use crate::params::{Params, quoted};
use crate::reply::{ApiError, Data};

pub(crate) fn alertmanagers() -> Data {
    Data::new(br#"{"activeAlertmanagers":[],"droppedAlertmanagers":[]}"#.to_vec())
}

pub(crate) fn alerts() -> Data {
    Data::new(br#"{"alerts":[]}"#.to_vec())
}

pub(crate) fn rules(app: &App, url: &Params, p: &Params) -> Result<Data, ApiError> {
    p.matcher_sets(&app.options.language).map_err(ApiError::bad_data)?;
    let kind = url.get("type").to_lowercase();
    if !matches!(kind.as_str(), "" | "alert" | "record") {
        return Err(ApiError::invalid("type", &format!("not supported value {}", quoted(&kind))));
    }
    Ok(Data::new(br#"{"groups":[]}"#.to_vec()))
}
