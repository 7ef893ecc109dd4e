"""A cluster of one node: controllers, scheduler and kubelet, as far as our manifests need them."""

import threading

from kubelet import await_true

NODE = "worker"
READY = ("desiredNumberScheduled", "currentNumberScheduled", "updatedNumberScheduled", "numberReady",
         "numberAvailable")


class Cluster:
    """with Cluster(objects, kubelet) as cluster: what an API server is given is run, and its status told there."""

    def __init__(self, objects, kubelet):
        self.objects = objects
        self._kubelet = kubelet
        self._pods = {}  # {(plural, namespace, name): (sandbox, containers)}
        self._ended = threading.Event()
        self._broken = None
        self._thread = threading.Thread(target=self._run)
        objects.create("namespaces", {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "default"}})
        objects.create("nodes", {"kind": "Node", "apiVersion": "v1", "metadata": {
            "name": NODE, "labels": {"kubernetes.io/os": "linux", "kubernetes.io/hostname": NODE}}})

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()
        for sandbox, _ in self._pods.values():
            sandbox.remove()
        if self._broken:
            raise self._broken

    def _run(self):
        seen = 0
        try:
            while not self._ended.is_set():
                for version, kind, key, one in self.objects.events(None, seen, 0.5):
                    seen = version
                    if kind == "DELETED":
                        self._end(key)
                    elif key[0] in ("daemonsets", "pods", "nodes"):
                        self._begin_what_is_wanted()
        except BaseException as error:  # raised again where the test is
            self._broken = error

    def _end(self, key):
        if key in self._pods:
            self._pods.pop(key)[0].remove()

    def _begin_what_is_wanted(self):
        for one in self.objects.list("daemonsets")[0]:
            self._begin_daemon(("daemonsets", one["metadata"]["namespace"], one["metadata"]["name"]), one)
        for one in self.objects.list("pods")[0]:
            self._begin_pod(("pods", one["metadata"]["namespace"], one["metadata"]["name"]), one)

    def _fits(self, selector):
        labels = self.objects.get("nodes", NODE)["metadata"]["labels"]
        return all(labels.get(key) == value for key, value in selector.items())

    def _begin_daemon(self, key, one):
        template = one["spec"]["template"]
        assert one["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
        spec = template["spec"]
        assert {"operator": "Exists"} in spec["tolerations"]
        if key in self._pods or not self._fits(spec["nodeSelector"]):
            return
        self.objects.patch("daemonsets", key[2], {"status": {
            **dict.fromkeys(READY, 0), "desiredNumberScheduled": 1, "updatedNumberScheduled": 1,
            "observedGeneration": one["metadata"]["generation"]}}, key[1])
        sandbox = self._kubelet.sandbox(spec)
        self._pods[key] = (sandbox, {})
        self._pods[key][1].update(self._kubelet.run(sandbox, spec))
        self.objects.patch("daemonsets", key[2], {"status": dict.fromkeys(READY, 1)}, key[1])

    def _begin_pod(self, key, one):
        """Where its RuntimeClass may be."""
        spec = one["spec"]
        found = self.objects.get("runtimeclasses", spec["runtimeClassName"])
        if key in self._pods or not self._fits(found.get("scheduling", {}).get("nodeSelector", {})):
            return
        sandbox = self._kubelet.sandbox(spec, one["metadata"]["annotations"], found["handler"])
        self._pods[key] = (sandbox, {})
        self._pods[key][1].update(self._kubelet.run(sandbox, spec))
        self.objects.patch("pods", key[2], {"spec": {"nodeName": NODE}, "status": {"phase": "Running"}}, key[1])

    def container(self, plural, namespace, name, container):
        return self._pods[plural, namespace, name][1][container]

    def logs(self, namespace, name, container):
        """What a pod's container has written when it has ended: whoever asks a real kubelet comes as late."""
        key = ("pods", namespace, name)
        await_true(lambda: container in self._pods.get(key, (None, {}))[1], lambda: self._broken)
        ended = self.container(*key, container)
        assert ended.wait() == 0, ended.output()
        return ended.output()
