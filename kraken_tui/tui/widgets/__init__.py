"""One widget a file: state and drawing; all live panes share pane.py."""
