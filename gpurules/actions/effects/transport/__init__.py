"""How effects reach their receivers: one HTTP request, a mail, a program, the API of Kubernetes; bounded in time.

::

    kubernetes_api --> posting  --> addresses      an HTTP request, and whether its address is public
    smtp           ------------> time_limit        a message, within one time limit
    scontrol       --> programs                    a program, in a process group of its own

Each effect calls the one transport that it needs.
"""
