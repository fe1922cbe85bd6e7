"""What `.ebextensions` has an instance do: an executor for each key, and the two steps they make.

The bundle's config files arrive compiled in the manifest (`jackbean.core.instructions`): there is
no YAML here and no function left to evaluate.
"""
