//! Transfer of flags to settings.

use deployment::config::{GivenSettings, SettingName};

use super::{
    ApiArguments, CheckArguments, HistoryArguments, LakeArguments, PlaceArguments, PlanArguments,
    PrivacyArguments, RunArguments, StatusArguments, StreamArguments, VerifyArguments,
};

/// Sets `setting` to the value of a flag, if the flag was given.
fn set(given: &mut GivenSettings, setting: SettingName, value: Option<&String>) {
    if let Some(value) = value {
        given.set(setting, value.as_str());
    }
}

fn raise(given: &mut GivenSettings, setting: SettingName, flag: bool) {
    if flag {
        given.set(setting, "true");
    }
}

impl LakeArguments {
    pub(crate) fn give(&self, given: &mut GivenSettings) {
        set(given, SettingName::LAKE, self.lake.as_ref());
    }
}

impl PlaceArguments {
    pub(crate) fn give(&self, given: &mut GivenSettings) {
        set(given, SettingName::ACCOUNT, self.account_id.as_ref());
        self.lake.give(given);
        set(given, SettingName::STATE, self.state.as_ref());
    }
}

impl ApiArguments {
    pub(crate) fn give(&self, given: &mut GivenSettings) {
        set(given, SettingName::TOKEN_FILE, self.token_file.as_ref());
        set(given, SettingName::BASE_URL, self.base_url.as_ref());
        set(given, SettingName::CONTACT, self.contact.as_ref());
        set(given, SettingName::GENERAL, self.general.as_ref());
        set(given, SettingName::REPORTS, self.reports.as_ref());
        set(given, SettingName::BUDGET_PERCENT, self.budget_percent.as_ref());
    }
}

impl HistoryArguments {
    fn give(&self, given: &mut GivenSettings) {
        set(given, SettingName::START_DATE, self.start_date.as_ref());
        set(given, SettingName::REPORT_WINDOW, self.report_window.as_ref());
        set(given, SettingName::REPORT_YEARS_BACK, self.report_years_back.as_ref());
    }
}

impl StreamArguments {
    pub(crate) fn give(&self, given: &mut GivenSettings) {
        set(given, SettingName::STREAMS, self.streams.as_ref());
        set(given, SettingName::EXCLUDE, self.exclude.as_ref());
    }
}

impl PrivacyArguments {
    pub(crate) fn give(&self, given: &mut GivenSettings) {
        set(given, SettingName::EXCLUDE_FIELDS, self.exclude_fields.as_ref());
        set(given, SettingName::HASH_FIELDS, self.hash_fields.as_ref());
    }
}

impl RunArguments {
    pub(crate) fn give(&self, given: &mut GivenSettings) {
        self.privacy.give(given);
        self.place.give(given);
        self.api.give(given);
        self.streams.give(given);
        self.history.give(given);
        set(given, SettingName::MAX_WORKERS, self.max_workers.as_ref());
        set(given, SettingName::RETENTION, self.retention.as_ref());
        set(given, SettingName::NO_CHANGES, self.no_changes.as_ref());
        set(given, SettingName::CHANGES_RETENTION, self.changes_retention.as_ref());
        raise(given, SettingName::KEEP, self.keep);
        raise(given, SettingName::ACCEPT_ROLE, self.accept_role);
        set(given, SettingName::ACCEPT_DOMAIN, self.accept_domain.as_ref());
        raise(given, SettingName::ACCEPT_DELETES, self.accept_deletes);
    }
}

impl CheckArguments {
    pub(crate) fn give(&self, given: &mut GivenSettings) {
        self.place.give(given);
        self.api.give(given);
        self.streams.give(given);
    }
}

impl PlanArguments {
    pub(crate) fn give(&self, given: &mut GivenSettings) {
        self.place.give(given);
        self.api.give(given);
        self.streams.give(given);
        set(given, SettingName::SYNC_INTERVAL, self.sync_interval.as_ref());
        self.history.give(given);
    }
}

impl StatusArguments {
    pub(crate) fn give(&self, given: &mut GivenSettings) {
        self.place.give(given);
        self.streams.give(given);
    }
}

impl VerifyArguments {
    pub(crate) fn give(&self, given: &mut GivenSettings) {
        self.privacy.give(given);
        self.place.give(given);
        self.api.give(given);
    }
}
