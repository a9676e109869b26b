"""A certificate that nobody may trust: self-signed, for another name, expired in 2021.

Its key is no secret. Only for trying what a client does with such a server.
"""

CERTIFICATE_AND_KEY = """\
-----BEGIN CERTIFICATE-----
MIIBNjCB3aADAgECAgEBMAoGCCqGSM49BAMCMCUxIzAhBgNVBAMMGnNhbmRib3gu
bGlzdGJhY2t1cC5pbnZhbGlkMB4XDTIwMDEwMTAwMDAwMFoXDTIxMDEwMTAwMDAw
MFowJTEjMCEGA1UEAwwac2FuZGJveC5saXN0YmFja3VwLmludmFsaWQwWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAAR0rsVW2srdNDGIAjmDj0zetYmwZjM1/NC//I1t
U9ucreCXsFWeizkLQm1Pqbd0TCdnK+taFPk2neuOah2OcMF0MAoGCCqGSM49BAMC
A0gAMEUCIHJDVJq8NKUwFjeAjD9NDvFEdPjIVA4VNCF02C02qgD0AiEAr2J+0RRo
4PZd4y6yVNngge1vp11gq2v69Nl/jmYd76E=
-----END CERTIFICATE-----
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgncguliGHTpd+Acq0
1paCFnFMopxE+PLFMVqeQb5Eo8KhRANCAAR0rsVW2srdNDGIAjmDj0zetYmwZjM1
/NC//I1tU9ucreCXsFWeizkLQm1Pqbd0TCdnK+taFPk2neuOah2OcMF0
-----END PRIVATE KEY-----
"""
