# No configs, hence no versions of any.
