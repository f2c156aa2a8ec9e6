"""The Python client of this node's agent: decisions with the interface of an engine, without blocking.

::

    connect() --> RemoteEngine --> Link --> connections, over a Unix socket or TCP
                       |            |
                       |            +-- AgentBreaker   asks an agent that does not answer only now and then
                       +-- StateFollower   keeps the node's directives, for when the agent does not answer
"""

from gpurules.remote.connecting import aconnect, connect
from gpurules.remote.connection.link import AgentUnavailable
from gpurules.remote.engine import RemoteEngine

__all__ = ["AgentUnavailable", "RemoteEngine", "aconnect", "connect"]
