"""What kubectl needs of an API server, in place of one, which Debian doesn't package.

It keeps objects as they arrive, of the kinds that our manifests have, and tells who watches. It checks nothing:
tests/house compares the manifests with kubectl's own schema.
"""

import http.server
import itertools
import json
import re
import threading
import urllib.parse

# (group, version): {plural: (kind, namespaced)}
RESOURCES = {
    ("", "v1"): {"namespaces": ("Namespace", False), "nodes": ("Node", False), "pods": ("Pod", True)},
    ("apps", "v1"): {"daemonsets": ("DaemonSet", True)},
    ("node.k8s.io", "v1"): {"runtimeclasses": ("RuntimeClass", False)},
}
VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]
PATH = re.compile(r"/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+)/(?P<version>[^/]+))"
                  r"(?:/namespaces/(?P<namespace>[^/]+)(?=/[^/]+))?/(?P<plural>[^/]+)"
                  r"(?:/(?P<name>[^/]+)(?:/(?P<part>log))?)?")


class Answer(Exception):
    """One that isn't an object."""

    def __init__(self, code, reason, message):
        super().__init__(message)
        self.code = code
        self.body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
                     "reason": reason, "message": message}


def merged(old, patch):
    """RFC 7386; a strategic patch that touches maps alone means the same."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


class Objects:
    """What is there, and what happened to it: {(plural, namespace, name): object}."""

    def __init__(self):
        self._changed = threading.Condition(threading.RLock())
        self._versions = itertools.count(1)
        self._found = {}
        self._events = []

    def _note(self, kind, key, one):
        one["metadata"]["resourceVersion"] = str(next(self._versions))
        self._events.append((int(one["metadata"]["resourceVersion"]), kind, key, json.loads(json.dumps(one))))
        self._changed.notify_all()

    def get(self, plural, name, namespace=None):
        with self._changed:
            one = self._found.get((plural, namespace, name))
            if one is None:
                raise Answer(404, "NotFound", f'{plural} "{name}" not found')
            return json.loads(json.dumps(one))

    def list(self, plural, namespace=None, fits=lambda one: True):
        """(objects, version)"""
        with self._changed:
            found = [json.loads(json.dumps(one)) for (of, where, _), one in sorted(self._found.items(), key=str)
                     if of == plural and namespace in (None, where) and fits(one)]
            return found, str(self._events[-1][0] if self._events else 0)

    def names(self, plural):
        return [one["metadata"]["name"] for one in self.list(plural)[0]]

    def create(self, plural, one, namespace=None):
        with self._changed:
            key = (plural, namespace, one["metadata"]["name"])
            if key in self._found:
                raise Answer(409, "AlreadyExists", f'{plural} "{key[2]}" already exists')
            if namespace and ("namespaces", None, namespace) not in self._found:
                raise Answer(404, "NotFound", f'namespaces "{namespace}" not found')
            if plural == "daemonsets":
                one["spec"].setdefault("updateStrategy", {"type": "RollingUpdate"})  # as the API has it
            one["metadata"] |= {"uid": f"0b5e3f8a-1111-4000-8000-{len(self._events):012d}", "generation": 1}
            self._found[key] = one
            self._note("ADDED", key, one)
            return one

    def patch(self, plural, name, patch, namespace=None):
        with self._changed:
            one = merged(self.get(plural, name, namespace), patch)
            if "spec" in patch:
                one["metadata"]["generation"] += 1
            self._found[plural, namespace, name] = one
            self._note("MODIFIED", (plural, namespace, name), one)
            return one

    def delete(self, plural, name, namespace=None):
        """A namespace goes with all that is in it."""
        with self._changed:
            one = self.get(plural, name, namespace)
            for key in [key for key in self._found if plural == "namespaces" and key[1] == name]:
                self.delete(key[0], key[2], key[1])
            del self._found[plural, namespace, name]
            self._note("DELETED", (plural, namespace, name), one)
            return one

    def events(self, plural, after, seconds):
        """(version, kind, key, object) after a version, of all objects where plural is None: waited for when
        there are none yet."""
        with self._changed:
            def news():
                return [event for event in self._events if event[0] > after and plural in (None, event[2][0])]
            self._changed.wait_for(news, timeout=seconds)
            return news()


def served(group, version):
    """As APIResourceList has it."""
    return [{"name": plural, "singularName": kind.lower(), "namespaced": namespaced, "kind": kind, "verbs": VERBS}
            for plural, (kind, namespaced) in RESOURCES[group, version].items()]


def openapi(group, version):
    """That the server says which fields it doesn't know: kubectl leaves it to the server then."""
    asked = [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}]
    return {"openapi": "3.0.0", "info": {"title": "stand-in", "version": version}, "paths": {
        f"/{plural}/{{name}}": {"patch": {
            "parameters": asked, "responses": {},
            "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": kind}}}
        for plural, (kind, _) in RESOURCES[group, version].items()}}


def root_of(group, version):
    return f"apis/{group}/{version}" if group else f"api/{version}"


def documents():
    """{path: what a client asks before it asks for objects}"""
    roots = {(group, version): root_of(group, version) for group, version in RESOURCES}
    found = {
        "/version": {"major": "1", "minor": "32", "gitVersion": "v1.32.0", "platform": "linux/amd64"},
        "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [
            {"name": group, "versions": [{"groupVersion": f"{group}/{version}", "version": version}],
             "preferredVersion": {"groupVersion": f"{group}/{version}", "version": version}}
            for group, version in RESOURCES if group]},
        "/openapi/v3": {"paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}"} for root in roots.values()}},
    }
    for (group, version), root in roots.items():
        found[f"/{root}"] = {"kind": "APIResourceList", "apiVersion": "v1", "resources": served(group, version),
                             "groupVersion": f"{group}/{version}" if group else version}
        found[f"/openapi/v3/{root}"] = openapi(group, version)
    return found


def selector(query):
    """fits(object), of fieldSelector and labelSelector as far as kubectl uses them here."""
    fields = dict(part.split("=") for part in query.get("fieldSelector", "").split(",") if part)
    labels = dict(part.split("=") for part in query.get("labelSelector", "").split(",") if part)
    assert set(fields) <= {"metadata.name", "metadata.namespace"}, fields

    def fits(one):
        metadata = one["metadata"]
        return (all(metadata.get(key.removeprefix("metadata.")) == value for key, value in fields.items())
                and all(metadata.get("labels", {}).get(key) == value for key, value in labels.items()))

    return fits


class Request(http.server.BaseHTTPRequestHandler):
    """One of kubectl's; the server's `objects` are its objects."""

    protocol_version = "HTTP/1.1"
    DOCUMENTS = documents()

    def log_message(self, *_):
        pass

    def _send(self, code, body):
        self._send_bytes(code, "application/json", json.dumps(body).encode())

    def _send_bytes(self, code, kind, data):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _answer(self, act):
        try:
            self._send(200, act())
        except Answer as answer:
            self._send(answer.code, answer.body)

    def _body(self):
        text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return json.loads(text) if text else {}

    def _address(self):
        """Whose path it is, and what is asked for."""
        address = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(address.query))
        found = PATH.fullmatch(address.path)
        if not found:
            raise Answer(404, "NotFound", f"the server could not find {address.path}")
        return found, query

    def do_GET(self):
        document = self.DOCUMENTS.get(urllib.parse.urlsplit(self.path).path)
        if document:
            return self._send(200, document)
        return self._answer_objects()

    def _answer_objects(self):
        try:
            found, query = self._address()
            if found["part"]:
                output = self.server.logs(found["namespace"], found["name"], query["container"])
                return self._send_bytes(200, "text/plain", output)
            if found["name"]:
                return self._send(200, self.server.objects.get(found["plural"], found["name"], found["namespace"]))
            if query.get("watch") in ("1", "true"):
                if "sendInitialEvents" in query:
                    raise Answer(422, "Invalid", "lists come by list")
                return self._watch(found, query)
            return self._send(200, self._list(found, query))
        except Answer as answer:
            return self._send(answer.code, answer.body)

    def _list(self, found, query):
        objects, version = self.server.objects.list(found["plural"], found["namespace"], selector(query))
        group = (found["group"] or "", found["version"] or found["core"])
        kind = RESOURCES[group][found["plural"]][0]
        return {"kind": f"{kind}List", "apiVersion": "/".join(filter(None, group)),
                "metadata": {"resourceVersion": version}, "items": objects}

    def _watch(self, found, query):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        fits, seen = selector(query), int(query.get("resourceVersion") or 0)
        try:
            while not self.server.ended.is_set():
                for version, kind, key, one in self.server.objects.events(found["plural"], seen, 0.5):
                    seen = version
                    if fits(one) and found["namespace"] in (None, key[1]):
                        data = json.dumps({"type": kind, "object": one}).encode() + b"\n"
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True  # it has seen enough

    def do_POST(self):
        body = self._body()

        def create():
            found, _ = self._address()
            return self.server.objects.create(found["plural"], body, found["namespace"])

        self._answer(create)

    def do_PATCH(self):
        body = self._body()

        def patch():
            found, _ = self._address()
            return self.server.objects.patch(found["plural"], found["name"], body, found["namespace"])

        self._answer(patch)

    def do_DELETE(self):
        self._body()

        def delete():
            found, _ = self._address()
            one = self.server.objects.delete(found["plural"], found["name"], found["namespace"])
            return {"kind": "Status", "apiVersion": "v1", "status": "Success",
                    "details": {"name": found["name"], "kind": found["plural"], "uid": one["metadata"]["uid"]}}

        self._answer(delete)


class ApiServer:
    """with ApiServer(directory) as api: kubectl finds it by api.kubeconfig; its objects are api.objects, and
    what containers wrote is asked of api.show_logs_of(cluster)."""

    def __init__(self, directory):
        self.objects = Objects()
        self.kubeconfig = directory / "kubeconfig"
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Request)
        self._server.daemon_threads = True
        self._server.objects = self.objects
        self._server.ended = threading.Event()
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self):
        self._thread.start()
        address = f"http://127.0.0.1:{self._server.server_port}"
        self.kubeconfig.write_text(json.dumps({
            "kind": "Config", "apiVersion": "v1", "current-context": "lab",
            "clusters": [{"name": "lab", "cluster": {"server": address}}],
            "users": [{"name": "lab", "user": {}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}]}))
        return self

    def show_logs_of(self, cluster):
        self._server.logs = cluster.logs

    def __exit__(self, *_):
        self._server.ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
