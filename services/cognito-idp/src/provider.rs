pub(crate) const RESOURCES: &[model::Resource] = &[];
