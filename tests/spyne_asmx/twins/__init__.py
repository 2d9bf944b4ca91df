"""Services in C# beside the same services in Python, and what the C# ones answered under a real ASMX.

A twin is a folder: ``service.asmx`` in C#, ``service.py`` the same in Python, ``calls.toml`` how both are called,
``service.wsdl`` and ``answers.json`` what Mono's System.Web.Services answered.

``python -m tests.spyne_asmx.twins [NAME…]`` records all twins anew, or those that are named.
"""
