//! The parameters of a request, in the order in which they came; a name may come more than once.

use url::form_urlencoded;

/// Form fields or query parameters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    pub(crate) fn push(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// The first value of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value of that name, when there is one.
    pub(crate) fn all(&self, name: &str) -> Option<Vec<String>> {
        let values: Vec<_> =
            self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect();
        (!values.is_empty()).then_some(values)
    }

    /// Those of these names that are there, as the beginning of a query string: `State=closed&`.
    pub(crate) fn repeat(&self, names: &[&str]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in self.0.iter().filter(|(name, _)| names.contains(&name.as_str())) {
            query.append_pair(name, value);
        }
        let query = query.finish();
        if query.is_empty() { query } else { query + "&" }
    }

    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}
