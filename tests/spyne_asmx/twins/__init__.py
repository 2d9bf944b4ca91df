"""Services in C# and in Python side by side, and what the C# ones answered under a real ASMX.

A twin is a folder: ``service.asmx`` in C#, ``service.py`` the same in Python, ``calls.toml`` how both are called,
``service.wsdl`` and ``answers.json`` what Mono's System.Web.Services answered.

``python -m tests.spyne_asmx.twins`` records anew: all twins, or those that it is given by name.
"""
