"""What functions that are known by name do with a path that they are given."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


SAME = _names("""
    os.path.abspath os.path.realpath os.path.normpath os.path.normcase os.path.expanduser
    os.path.expandvars os.fspath os.fsdecode os.fsencode str list tuple sorted set iter next
    reversed py.path.local
""")
"""Return what they are given, or a part of it."""

SAME_METHODS = _names("""
    resolve absolute as_posix expanduser strip rstrip lstrip encode decode copy as_uri __str__
    __fspath__
""")

JOINING = _names("os.path.join pathlib.Path pathlib.PurePath pathlib.PosixPath anyio.Path")

FILES_OF = _names("inspect.getfile inspect.getsourcefile inspect.getabsfile")
"""Return the source file of an object."""

CALLER = _names("inspect.currentframe sys._getframe")

LISTING = _names("""
    os.listdir os.scandir os.walk os.fwalk glob.glob glob.iglob shutil.copytree imp.find_module
    importlib.machinery.FileFinder compileall.compile_dir
""")

READING = _names("""
    open io.open io.open_code codecs.open os.open os.stat os.lstat os.access os.path.exists
    os.path.isfile os.path.isdir os.path.lexists os.path.getmtime os.path.getsize tokenize.open
    shutil.copy shutil.copy2 shutil.copyfile imp.load_source ctypes.CDLL ctypes.PyDLL ctypes.WinDLL
    ctypes.cdll.LoadLibrary ctypes.windll.LoadLibrary numpy.ctypeslib.load_library
    os.add_dll_directory sqlite3.connect zipfile.ZipFile tarfile.open gzip.open bz2.open lzma.open
    numpy.load
""")

RUNNING = _names("""
    subprocess.run subprocess.Popen subprocess.call subprocess.check_call subprocess.check_output
    os.system os.popen os.execv os.execve os.execl os.execvp os.spawnv os.spawnl os.posix_spawn
    asyncio.create_subprocess_exec asyncio.create_subprocess_shell runpy.run_path
    py_compile.compile
""")

IDLE = _names("""
    pkgutil.iter_modules pkgutil.walk_packages pkgutil.extend_path pkgutil.get_importer
    importlib.util.spec_from_file_location importlib.machinery.SourceFileLoader
    importlib.machinery.PathFinder.find_spec importlib.machinery.ModuleSpec
    sys.path.insert sys.path.append sys.path.extend sys.path.remove
    linecache.getline linecache.getlines pkg_resources.declare_namespace
    print repr len isinstance hash bool type id hasattr compile ast.parse sys.exit max min
    os.path.basename os.path.split os.path.splitext os.path.commonpath os.path.commonprefix
    os.path.relpath os.path.samefile os.path.isabs warnings.warn warnings.warn_explicit
""")
"""Need no file, since they look at the name only, or find modules where the bundle has them."""

IDLE_METHODS = _names("""
    startswith endswith lower upper find rfind index count match title is_relative_to relative_to
    is_absolute is_symlink partition rpartition split rsplit splitlines append extend insert remove
    find_spec debug info warning error exception critical
""")

LISTING_METHODS = _names("iterdir glob rglob walk")

READING_METHODS = _names("read_text read_bytes open exists is_file is_dir stat lstat samefile")

RESOURCES = ("importlib.resources.", "importlib_resources.", "pkg_resources.resource_")

AS_FILES = _names("as_file path resource_filename")
"""Of those: give a file on disk, and extract it where there is none, at every start anew."""

ANCHORED = _names("""
    files read_text read_binary open_text open_binary contents is_resource resource_string
    resource_stream resource_exists resource_isdir resource_listdir
""")
"""Of those: read what is in the package that they are given."""
