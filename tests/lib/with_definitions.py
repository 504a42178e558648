# SPDX-License-Identifier: LGPL-2.1-or-later
"""A mix-in of MediatedTest: definitions on disk, as mdevctl and other programs store them."""

import json


class WithDefinitions:
    """Files below self.daemon.definitions, for self.parent unless another parent is given."""

    def definition_path(self, uuid, parent=None):
        return self.daemon.definitions / (parent or self.parent.address) / uuid

    def read_definition(self, uuid, parent=None):
        return json.loads(self.definition_path(uuid, parent).read_text(encoding='utf-8'))

    def write_definition(self, uuid, parent=None, at_once=False, **members):
        """Writes in place, as other programs do, so that the file is empty for a moment; or at once."""
        path = self.definition_path(uuid, parent)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {'mdev_type': self.type_id, 'start': 'manual', 'attrs': [], **members}
        file = self.daemon.definitions.parent / uuid if at_once else path
        file.write_text(json.dumps(content, indent=2), encoding='utf-8')
        if at_once:
            file.rename(path)
