"""Who may log in, and where that is kept.

===================  =================================================================================
``user``             the values: profile, user, credentials; how login names compare
``directory``        the interface every back-end has
``source``           a source of users, of whatever kind: one row a kind
``sql``              the back-end: tables and statements (SQLAlchemy Core)
``database``         the engine under it: transactions, errors, detection of changes by others
``sqlite``           SQLite's ways, files that are replaced among them
``postgresql``       PostgreSQL's: no call without an end
``migrations``       the schema's revisions (Alembic)
``profiles``         a cache in front of a directory, for what every ticket check asks
``passwords``        argon2id: hash and verify
``password_policy``  what is acceptable as a new password
``hash_parameters``  what a hash costs, and the bounds of it
``verifier``         who checks a name and a password: the interface, and the one with our hashes
===================  =================================================================================
"""
