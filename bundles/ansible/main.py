"""Run a playbook on this machine: modules that Ansible packs and executes, filters, a lookup."""

import os
import sys
import tempfile
from pathlib import Path

PLAYBOOK = """\
- hosts: localhost
  gather_facts: false
  vars:
    greeting: "{{ playbook_dir }}/greeting"
  tasks:
    - ping:
    - copy:
        content: "hello, {{ [1, 2] | map('pow', 2) | list }}"
        dest: "{{ greeting }}"
        mode: "0600"
    - stat: {path: "{{ greeting }}"}
      register: found
    - debug: {msg: "{{ found.stat.size }} bytes: {{ lookup('file', greeting) }}"}
    - assert: {that: found.stat.mode == '0600'}
"""

with tempfile.TemporaryDirectory() as home:
    # Ansible reads them when it is imported.
    os.environ |= {
        "HOME": home,
        "ANSIBLE_HOME": home,
        "ANSIBLE_LOCAL_TEMP": home,
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "LC_ALL": "C.UTF-8",
    }
    from ansible.cli.playbook import PlaybookCLI

    playbook = Path(home, "playbook.yml")
    playbook.write_text(PLAYBOOK, "utf-8")
    cli = PlaybookCLI(["ansible-playbook", "--connection=local", str(playbook)])
    cli.parse()
    print("status:", cli.run())
