"""A name that would be a script, an image and the end of the data, if a page took it for more than text."""

NAME = "</script>\u2028<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">&amp;'"
