"""The static copy of the dashboards: self-contained pages that ask nothing of any network."""
